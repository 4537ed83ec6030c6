import { createLaneScheduler, type LaneScheduler } from '../../messaging/lane-scheduler.ts';
import type { Call, SandboxClass } from '../call.ts';
import type { ClassKey } from './class-key.ts';
import type { Demand } from './decide.ts';

/** A call that waits for a sandbox. */
export interface Waiting {
  readonly call: Call;
  /** Monotonic. */
  readonly sinceMs: number;
}

/** What of a class is known beside its queue. */
export interface ClassFigures {
  expectedBytes(sandboxClass: SandboxClass): number;
  leftMs(classKey: ClassKey): number;
}

/**
 * The calls that wait, by class. Calls that running calls made wait apart: were they behind calls from outside, those
 * could take the very places that the running ones lent to them.
 */
export interface ClassQueues {
  readonly size: number;
  offer(waiting: Waiting): void;
  /** The next call of the class: nested ones first, others only with `outside`. */
  take(classKey: ClassKey, outside: boolean): Call | undefined;
  /** Takes out the calls that match. */
  remove(matches: (call: Call) => boolean): readonly Call[];
  /** Classes for which calls wait. */
  classes(): ReadonlyMap<ClassKey, SandboxClass>;
  demands(figures: ClassFigures): readonly Demand[];
  /** The nested call that waits for longest. */
  oldestNested(): Call | undefined;
  /** Request ids of the calls for whose sake nested ones wait. */
  parents(): ReadonlySet<string>;
}

const demandsOf = (queues: LaneScheduler<Waiting>, nested: boolean, figures: ClassFigures): readonly Demand[] =>
  [...queues.lanes()].flatMap((classKey): Demand[] => {
    const oldest = queues.peek(classKey);
    if (oldest === undefined) return [];
    return [
      {
        classKey,
        nested,
        queued: queues.sizeOf(classKey),
        oldestMs: oldest.sinceMs,
        leftMs: figures.leftMs(classKey),
        memoryBytes: figures.expectedBytes(oldest.call.sandboxClass),
      },
    ];
  });

export const createClassQueues = (): ClassQueues => {
  const nested = createLaneScheduler<Waiting>();
  const outside = createLaneScheduler<Waiting>();
  const both = [nested, outside] as const;
  /** Of every nested call that waits, its parent: counted, since one may have made many. */
  const parents = new Map<string, number>();

  const count = ({ request: { origin, parent } }: Call, by: 1 | -1): void => {
    if (origin !== 'child' || parent === null) return;
    const left = (parents.get(parent) ?? 0) + by;
    if (left > 0) parents.set(parent, left);
    else parents.delete(parent);
  };
  const taken = (waiting: Waiting | undefined): Call | undefined => {
    if (waiting !== undefined) count(waiting.call, -1);
    return waiting?.call;
  };

  return {
    get size() {
      return nested.size + outside.size;
    },
    offer: (waiting) => {
      const { request, sandboxClass } = waiting.call;
      count(waiting.call, 1);
      (request.origin === 'child' ? nested : outside).offer(sandboxClass.key, waiting);
    },
    take: (classKey, withOutside) =>
      taken(nested.take(classKey)) ?? (withOutside ? taken(outside.take(classKey)) : undefined),
    remove: (matches) =>
      both.flatMap((queues) =>
        queues
          .remove(({ call }) => matches(call))
          .map(({ call }) => {
            count(call, -1);
            return call;
          }),
      ),
    classes: () => {
      const found = new Map<ClassKey, SandboxClass>();
      for (const queues of both) {
        for (const classKey of queues.lanes()) {
          const first = queues.peek(classKey);
          if (first !== undefined) found.set(classKey, first.call.sandboxClass);
        }
      }
      return found;
    },
    demands: (figures) => both.flatMap((queues) => demandsOf(queues, queues === nested, figures)),
    oldestNested: () => {
      const firsts = [...nested.lanes()].flatMap((classKey) => nested.peek(classKey) ?? []);
      return firsts.toSorted((a, b) => a.sinceMs - b.sinceMs)[0]?.call;
    },
    parents: () => new Set(parents.keys()),
  };
};
