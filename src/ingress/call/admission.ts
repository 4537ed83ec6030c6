import { createLaneDemand, partitionOfLane, versionKey } from '../../catalog/lanes.ts';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import { nestedTopic, requestsTopic } from '../../kernel/topics.ts';
import type { PresenceView } from '../../messaging/presence.ts';
import { ingressErrors } from '../errors.ts';
import type { NestedCall } from './nested-call.ts';

type Nested = Pick<NestedCall, 'executor' | 'partitions'>;

export interface AdmissionOptions {
  readonly presence: PresenceView;
  readonly clock: Clock;
  readonly waitingMax: number;
  readonly callsPerAccountMax: number;
}

/** A call that wants in. */
export interface Applicant {
  readonly account: string;
  readonly algorithmId: string;
  readonly build: string;
  readonly pool: string;
  /** Where the call runs that made it; null for a call from outside. */
  readonly nested: Nested | null;
}

/** A call that is in, and where it goes. */
export interface Admitted extends Omit<Applicant, 'nested'> {
  readonly nested: boolean;
  readonly lane: string;
  readonly partition: number;
}

/** Decides at once whether a call may come in: the platform never queues at the door. */
export interface Admission {
  /** Calls inside now. */
  readonly inside: number;
  /** Takes a place. Throws `INGRESS_ACCOUNT_BUSY`, `INGRESS_OVERLOADED`, `INGRESS_NO_EXECUTOR`. Give it back with {@link leave}, once. */
  enter(call: Applicant): Admitted;
  leave(call: Admitted): void;
}

/** Presence changes each second: looking again for every call would cost more than it tells. */
const poolAnswerKeptMs = 200;

/** Keeps the counts of one replica. */
export const createAdmission = (options: AdmissionOptions): Admission => {
  const { presence, clock, waitingMax, callsPerAccountMax } = options;
  const lanes = createLaneDemand({ clock });
  const byAccount = new Map<string, number>();
  /** Apart: a call that waits for its children must not be what keeps them out. What is above the bound is refused, never queued. */
  const nestedByAccount = new Map<string, number>();
  const nestedPerAccountMax = callsPerAccountMax * limits.childrenAtOnceMax;
  const pools = new Map<string, { readonly executors: number; readonly untilMs: number }>();
  let inside = 0;

  const executorsOf = (pool: string): number => {
    const nowMs = clock.monotonicMs();
    const known = pools.get(pool);
    if (known !== undefined && nowMs < known.untilMs) return known.executors;
    const executors = presence.liveIn('executor', pool).length;
    // None is no answer to keep: the first one's arrival is to be seen at once.
    if (executors > 0) pools.set(pool, { executors, untilMs: nowMs + poolAnswerKeptMs });
    else pools.delete(pool);
    return executors;
  };

  /** A partition of the executor that runs the parent, while that one keeps up; null: anywhere. */
  const nearPartition = (call: Applicant, { executor, partitions }: Nested, lane: string): number | null => {
    if (partitions.length === 0) return null;
    const parents = presence.liveIn('executor', call.pool).find(({ process }) => process === executor);
    if (parents === undefined) return null;
    const isWarm = (parents.warm[versionKey(call)] ?? 0) > 0;
    if (!isWarm && parents.queued >= parents.slots) return null;
    return partitions[partitionOfLane(lane, partitions.length)] ?? null;
  };

  return {
    get inside() {
      return inside;
    },
    enter: (call) => {
      const { account, pool } = call;
      const nested = call.nested !== null;
      const counts = nested ? nestedByAccount : byAccount;
      const calls = counts.get(account) ?? 0;
      if (calls >= (nested ? nestedPerAccountMax : callsPerAccountMax)) {
        const which = nested ? 'calls made by calls' : 'calls';
        const message = `account ${account} has ${calls} ${which} running, the most that it may have: wait for some to end, or call with output=void`;
        throw ingressErrors.ACCOUNT_BUSY({ message });
      }
      if (inside >= waitingMax) {
        throw ingressErrors.OVERLOADED({
          message: `${inside} calls are waiting here, the most that may: try again shortly`,
        });
      }
      const executors = executorsOf(pool);
      if (executors === 0) {
        throw ingressErrors.NO_EXECUTOR({
          message: `no executor of pool ${pool} is alive: try again shortly, or start one`,
        });
      }
      counts.set(account, calls + 1);
      inside += 1;
      const { algorithmId, build } = call;
      const { partitions } = nested ? nestedTopic(pool) : requestsTopic(pool);
      const { lane, partition } = lanes.begin({ algorithmId, build, executors, partitions });
      const near = call.nested === null ? null : nearPartition(call, call.nested, lane);
      return { account, algorithmId, build, pool, nested, lane, partition: near ?? partition };
    },
    leave: (call) => {
      inside -= 1;
      lanes.end(call);
      const counts = call.nested ? nestedByAccount : byAccount;
      const calls = (counts.get(call.account) ?? 1) - 1;
      if (calls > 0) counts.set(call.account, calls);
      else counts.delete(call.account);
    },
  };
};
