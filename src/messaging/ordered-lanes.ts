import { createFifo, type Fifo } from './fifo.ts';

/** Runs items one at a time per lane, in the order offered, and several lanes beside each other. */
export interface OrderedLanes<T> {
  /** Items that run now. */
  readonly running: number;
  /** Items that wait. */
  readonly waiting: number;
  /** Queues the item behind those of its lane, or runs it. */
  offer(lane: string, item: T): void;
  /** Takes out waiting items that match; running ones go on. */
  remove(matches: (item: T) => boolean): T[];
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

export interface OrderedLanesOptions<T> {
  /** Lanes that run at the same time at most. */
  readonly width: number;
  run(item: T): Promise<void>;
  /** `run` rejected: a bug or the end of the process. The lane goes on with its next item. */
  onFailed(error: unknown): void;
}

interface Lane<T> {
  readonly items: Fifo<T>;
  running: boolean;
}

/** Makes lanes; at most `width` items run at a time. */
export const createOrderedLanes = <T>(options: OrderedLanesOptions<T>): OrderedLanes<T> => {
  const lanes = new Map<string, Lane<T>>();
  /** Names of lanes that have items and run none. */
  const ready = createFifo<string>();
  let running = 0;
  let waiting = 0;
  const whenIdle: (() => void)[] = [];

  const runOne = async (name: string, lane: Lane<T>, item: T): Promise<void> => {
    try {
      await options.run(item);
    } catch (error) {
      options.onFailed(error);
    }
    running -= 1;
    lane.running = false;
    if (lane.items.size > 0) ready.push(name);
    else lanes.delete(name);
    start();
  };

  const start = (): void => {
    while (running < options.width) {
      const name = ready.shift();
      if (name === undefined) break;
      const lane = lanes.get(name);
      const item = lane?.items.shift();
      if (lane === undefined || item === undefined) continue;
      waiting -= 1;
      running += 1;
      lane.running = true;
      void runOne(name, lane, item);
    }
    if (running === 0 && waiting === 0) for (const resolve of whenIdle.splice(0)) resolve();
  };

  return {
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
    offer: (name, item) => {
      const lane = lanes.get(name) ?? { items: createFifo<T>(), running: false };
      lanes.set(name, lane);
      lane.items.push(item);
      waiting += 1;
      if (!lane.running && lane.items.size === 1) ready.push(name);
      start();
    },
    remove: (matches) => {
      const removed = [...lanes.values()].flatMap((lane) => lane.items.remove(matches));
      waiting -= removed.length;
      start();
      return removed;
    },
    idle: async () => {
      if (running === 0 && waiting === 0) return;
      await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
  };
};
