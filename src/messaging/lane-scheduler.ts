import { createFifo, type Fifo } from './fifo.ts';

/**
 * Work above partitions, queued by lane: a slow lane holds nobody else up, and whoever has a place for a lane pulls its
 * next item. Pure bookkeeping: nothing is started here.
 */
export interface LaneScheduler<T> {
  /** Items waiting in all lanes. */
  readonly size: number;
  /** Lanes with waiting items, the one that was served longest ago first. */
  lanes(): IterableIterator<string>;
  /** Items waiting in one lane. */
  sizeOf(lane: string): number;
  /** Queues an item behind those of its lane; false, and not queued, when `itemsMax` wait already. */
  offer(lane: string, item: T): boolean;
  /** The lane's oldest item, which stays. */
  peek(lane: string): T | undefined;
  /** The lane's oldest item; the lane goes to the end of the order. Undefined when none waits. */
  take(lane: string): T | undefined;
  /** The oldest item of the first lane in order that `admits` allows (default: any). */
  takeNext(admits?: (lane: string) => boolean): { readonly lane: string; readonly item: T } | undefined;
  /** Takes out the items that match (of a released generation, say), lane by lane. */
  remove(matches: (item: T) => boolean): T[];
}

export interface LaneSchedulerOptions {
  /** Items that may wait in all lanes together. Default: no bound of its own, for users whose input is bounded. */
  readonly itemsMax?: number;
}

/** Makes an empty scheduler. Every operation but `remove` costs the same however much waits. */
export const createLaneScheduler = <T>(options: LaneSchedulerOptions = {}): LaneScheduler<T> => {
  const itemsMax = options.itemsMax ?? Number.POSITIVE_INFINITY;
  /** Lanes with waiting items only; a map keeps the order of insertion, which is the order of service. */
  const queues = new Map<string, Fifo<T>>();
  let size = 0;

  const take = (lane: string): T | undefined => {
    const queue = queues.get(lane);
    if (queue === undefined) return undefined;
    const item = queue.shift();
    size -= 1;
    queues.delete(lane);
    if (queue.size > 0) queues.set(lane, queue);
    return item;
  };

  const firstLane = (admits: (lane: string) => boolean): string | undefined => {
    for (const lane of queues.keys()) if (admits(lane)) return lane;
    return undefined;
  };

  return {
    get size() {
      return size;
    },
    lanes: () => queues.keys(),
    sizeOf: (lane) => queues.get(lane)?.size ?? 0,
    offer: (lane, item) => {
      if (size >= itemsMax) return false;
      size += 1;
      const queue = queues.get(lane) ?? createFifo<T>();
      queue.push(item);
      queues.set(lane, queue);
      return true;
    },
    peek: (lane) => queues.get(lane)?.peek(),
    take,
    takeNext: (admits = () => true) => {
      const lane = firstLane(admits);
      if (lane === undefined) return undefined;
      const item = take(lane);
      return item === undefined ? undefined : { lane, item };
    },
    remove: (matches) => {
      const removed: T[] = [];
      for (const [lane, queue] of queues) {
        removed.push(...queue.remove(matches));
        if (queue.size === 0) queues.delete(lane);
      }
      size -= removed.length;
      return removed;
    },
  };
};
