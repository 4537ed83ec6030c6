import type { Presence } from '../kernel/contracts/contracts.gen.ts';
import type { ReadinessCheck } from '../platform/http/operations.ts';
import type { Component } from '../platform/lifecycle/supervisor.ts';

/** The parts of presence that an executor fills. */
export type RolePresence = Pick<Presence, 'pool' | 'slots' | 'busy' | 'warm' | 'queued' | 'transactionalIds'>;

/** A role as a part of a process. */
export interface Role extends Component {
  readonly name: RoleName;
  /** What its operations listener asks. */
  readonly checks: readonly ReadinessCheck[];
  /** What it adds to the process's presence. */
  presence?(): RolePresence;
  /** Where it listens, when it does. */
  address?(): string;
}

/** Roles by name, in the order in which a process starts them: who takes work comes after who does it. */
export const roleNames = ['control', 'executor', 'builder', 'router', 'ingress'] as const;
export type RoleName = (typeof roleNames)[number];
