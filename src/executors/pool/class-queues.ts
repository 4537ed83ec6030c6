import type { Call, SandboxClass } from '../call.ts';
import type { ClassKey } from './class-key.ts';

/** A call that waits for a sandbox. */
export interface Waiting {
  readonly call: Call;
  /** Monotonic. */
  readonly sinceMs: number;
}

/** First in, first out; taking is constant time, and the array is cut when half of it was taken. */
interface Queue {
  readonly sandboxClass: SandboxClass;
  waiting: Waiting[];
  head: number;
}

/** Calls that wait, by class, in the order in which they were taken from the log. */
export interface ClassQueues {
  readonly size: number;
  push(waiting: Waiting): void;
  /** The call of that class that waits longest, or undefined. */
  pull(classKey: ClassKey): Waiting | undefined;
  /** Classes that have calls waiting. */
  open(): readonly { readonly sandboxClass: SandboxClass; readonly queued: number; readonly oldestMs: number }[];
  /** Takes out, in order, the calls that the predicate names. */
  takeOut(matches: (waiting: Waiting) => boolean): readonly Waiting[];
}

const cutAfter = 64;

export const createClassQueues = (): ClassQueues => {
  const queues = new Map<ClassKey, Queue>();
  let size = 0;

  const drop = (queue: Queue): void => {
    if (queue.head === queue.waiting.length) queues.delete(queue.sandboxClass.key);
    else if (queue.head > cutAfter && queue.head * 2 > queue.waiting.length) {
      queue.waiting = queue.waiting.slice(queue.head);
      queue.head = 0;
    }
  };

  return {
    get size() {
      return size;
    },
    push: (waiting) => {
      const { sandboxClass } = waiting.call;
      const queue = queues.get(sandboxClass.key);
      if (queue === undefined) queues.set(sandboxClass.key, { sandboxClass, waiting: [waiting], head: 0 });
      else queue.waiting.push(waiting);
      size += 1;
    },
    pull: (classKey) => {
      const queue = queues.get(classKey);
      const first = queue?.waiting[queue.head];
      if (queue === undefined || first === undefined) return undefined;
      queue.head += 1;
      size -= 1;
      drop(queue);
      return first;
    },
    open: () =>
      [...queues.values()].map(({ sandboxClass, waiting, head }) => ({
        sandboxClass,
        queued: waiting.length - head,
        oldestMs: waiting[head]?.sinceMs ?? 0,
      })),
    takeOut: (matches) => {
      const taken: Waiting[] = [];
      for (const queue of queues.values()) {
        const left: Waiting[] = [];
        for (const each of queue.waiting.slice(queue.head)) (matches(each) ? taken : left).push(each);
        queue.waiting = left;
        queue.head = 0;
        drop(queue);
      }
      size -= taken.length;
      return taken;
    },
  };
};
