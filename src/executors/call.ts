import type { Build, RunSettings } from '../catalog/catalog.ts';
import type { Request, ResultType, RunError, Status } from '../kernel/contracts/contracts.gen.ts';
import type { RequestId } from '../kernel/ids.ts';
import type { Delivery } from '../messaging/work.ts';
import type { SandboxNetwork } from '../sandboxes/sandbox.ts';
import type { ClassKey } from './pool/class-key.ts';

/** A record of the requests topic, as it was taken. */
export interface Arrival {
  readonly delivery: Delivery;
  /** Milliseconds since the epoch. */
  readonly takenAtMs: number;
}

/** An arrival that is no copy of an earlier one. */
export interface Identified extends Arrival {
  readonly id: RequestId;
  readonly attempt: number;
  /** Milliseconds since the epoch after which nobody waits. */
  readonly deadlineMs: number;
}

/** What an answer needs of the request that it answers. */
export interface Answerable {
  readonly id: RequestId;
  readonly attempt: number;
  readonly request: Request;
  readonly takenAtMs: number;
}

/** An arrival whose message was read. */
export interface Accepted extends Identified {
  readonly request: Request;
}

/** A build that can be run. */
export type RunnableBuild = Build & {
  readonly artefact: NonNullable<Build['artefact']>;
  readonly run: RunSettings;
};

/** What a sandbox of a class is made of. */
export interface SandboxClass {
  readonly key: ClassKey;
  readonly build: RunnableBuild;
  readonly language: string;
  /** From the algorithm's settings: whether its code may reach other hosts. */
  readonly network: SandboxNetwork;
}

/** A request that waits for, or runs in, a sandbox. */
export interface Call extends Accepted {
  readonly sandboxClass: SandboxClass;
}

/** What a sandbox is told of a call: nothing of where it came from. */
export type SandboxCall = Omit<Call, 'delivery'>;

/** How a call ended; everything about it that is not in its request. */
export interface Ended {
  readonly status: Status;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly durationS: number;
  readonly cold: boolean;
  readonly cpuS: number | null;
  readonly memoryPeakBytes: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly error: RunError | null;
  readonly contentType: ResultType;
  readonly body: Buffer | null;
  /** What the algorithm reported of itself. */
  readonly metrics: Readonly<Record<string, number | string | boolean>>;
}

/** The end of a call that no sandbox ran. */
export const notRun = (
  nowMs: number,
  status: 'failed' | 'timeout',
  error: RunError,
): Ended & { readonly body: null } => ({
  status,
  startedAtMs: nowMs,
  finishedAtMs: nowMs,
  durationS: 0,
  cold: false,
  cpuS: null,
  memoryPeakBytes: null,
  stdout: '',
  stderr: '',
  error,
  contentType: 'void',
  body: null,
  metrics: {},
});
