import { createLaneDemand } from '../../catalog/lanes.ts';
import type { Clock } from '../../kernel/clock.ts';
import { nestedTopic, requestsTopic } from '../../kernel/topics.ts';
import type { PresenceView } from '../../messaging/presence.ts';
import { ingressErrors } from '../errors.ts';
import type { Places } from '../places/places.ts';
import { type NearParent, nearPartition } from './near-parent.ts';

export interface AdmissionOptions {
  readonly presence: PresenceView;
  readonly clock: Clock;
  readonly places: Places;
  /** Of nested calls: a call that waits for its children must not be what keeps them out. */
  readonly nestedPlaces: Places;
  readonly waitingMax: number;
}

/** A call that wants in. */
export interface Applicant {
  readonly account: string;
  readonly algorithmId: string;
  readonly build: string;
  readonly pool: string;
  /** Where the call runs that made it; null for a call from outside. */
  readonly nested: NearParent | null;
}

/** A call that is in, and where it goes. */
export interface Admitted extends Omit<Applicant, 'nested'> {
  readonly nested: boolean;
  readonly lane: string;
  readonly partition: number;
}

/** Decides whether a call may come in: the platform never queues at the door. */
export interface Admission {
  /** Calls inside now. */
  readonly inside: number;
  /**
   * Takes a place, at once but for the calls whose account's places have to be asked for. Throws or rejects with
   * `INGRESS_ACCOUNT_BUSY`, `INGRESS_OVERLOADED`, `INGRESS_NO_EXECUTOR`. Give it back with {@link leave}, once.
   */
  enter(call: Applicant): Admitted | Promise<Admitted>;
  leave(call: Admitted): void;
}

/** Keeps the counts of one replica. */
export const createAdmission = (options: AdmissionOptions): Admission => {
  const { presence, clock, places, nestedPlaces, waitingMax } = options;
  const lanes = createLaneDemand({ clock });
  let inside = 0;

  const checkedExecutors = (pool: string): number => {
    if (inside >= waitingMax) {
      throw ingressErrors.OVERLOADED({
        message: `${inside} calls are waiting here, the most that may: try again shortly`,
      });
    }
    const executors = presence.liveIn('executor', pool).length;
    if (executors > 0) return executors;
    throw ingressErrors.NO_EXECUTOR({
      message: `no executor of pool ${pool} is alive: try again shortly, or start one`,
    });
  };
  const admit = ({ account, algorithmId, build, pool, nested: near }: Applicant, executors: number): Admitted => {
    const nested = near !== null;
    const { partitions } = nested ? nestedTopic(pool) : requestsTopic(pool);
    const { lane, partition } = lanes.begin({ algorithmId, build, executors, partitions });
    const place = { account, algorithmId, build, pool, nested, lane };
    return { ...place, partition: nearPartition(presence, near, place) ?? partition };
  };
  /** The call counts as inside while its account's place is asked for. */
  const admitLater = async (taking: Promise<void>, call: Applicant, executors: number): Promise<Admitted> => {
    inside += 1;
    try {
      await taking;
    } catch (error) {
      inside -= 1;
      throw error;
    }
    return admit(call, executors);
  };

  return {
    get inside() {
      return inside;
    },
    enter: (call) => {
      const executors = checkedExecutors(call.pool);
      const taking = (call.nested === null ? places : nestedPlaces).take(call.account);
      if (taking !== undefined) return admitLater(taking, call, executors);
      inside += 1;
      return admit(call, executors);
    },
    leave: (call) => {
      inside -= 1;
      lanes.end(call);
      (call.nested ? nestedPlaces : places).giveBack(call.account);
    },
  };
};
