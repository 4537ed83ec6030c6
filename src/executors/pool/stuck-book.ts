import type { Clock } from '../../kernel/clock.ts';
import type { Call } from '../call.ts';
import type { ClassQueues } from './class-queues.ts';

/** How long a pool that waits for itself may hope for calls that wait elsewhere. */
const hopeMs = 10_000;

/** Frees a pool in which every sandbox waits for a call that gets none. */
export interface StuckBook {
  /**
   * The call that has to fail, taken out of its queue, so that the one that made it goes on; null: none yet. One fails at
   * once when all calls of `waiting` wait for each other or for calls that wait here, and after a while when some wait
   * for calls elsewhere.
   */
  victim(
    stuck: boolean,
    queues: Pick<ClassQueues, 'parents' | 'oldestNested' | 'remove'>,
    waiting: () => readonly Call[],
  ): Call | null;
}

export const createStuckBook = (clock: Clock): StuckBook => {
  let sinceMs: number | null = null;
  return {
    victim: (stuck, queues, waiting) => {
      const nowMs = clock.monotonicMs();
      sinceMs = stuck ? (sinceMs ?? nowMs) : null;
      if (sinceMs === null) return null;
      const calls = waiting();
      const parents = new Set([...queues.parents(), ...calls.map(({ request }) => request.parent)]);
      const forItself = calls.every(({ id }) => parents.has(id));
      const oldest = queues.oldestNested();
      if (oldest === undefined || (!forItself && nowMs - sinceMs < hopeMs)) return null;
      sinceMs = null;
      queues.remove((call) => call === oldest);
      return oldest;
    },
  };
};
