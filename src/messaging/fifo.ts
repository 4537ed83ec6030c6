/** A queue whose ends cost the same however long it is. */
export interface Fifo<T> {
  readonly size: number;
  push(item: T): void;
  shift(): T | undefined;
  /** The item that {@link shift} would give. */
  peek(): T | undefined;
  /** Takes out the items that match, in order. */
  remove(matches: (item: T) => boolean): T[];
}

/** Shifted places are given up together, once there are that many and they are the greater part. */
const compactAt = 64;

/** Makes an empty queue. */
export const createFifo = <T>(): Fifo<T> => {
  let items: T[] = [];
  let first = 0;
  return {
    get size() {
      return items.length - first;
    },
    push: (item) => {
      items.push(item);
    },
    shift: () => {
      if (first === items.length) return undefined;
      const item = items[first];
      first += 1;
      if (first === items.length || (first >= compactAt && first * 2 > items.length)) {
        items = items.slice(first);
        first = 0;
      }
      return item;
    },
    peek: () => items[first],
    remove: (matches) => {
      const removed: T[] = [];
      const kept: T[] = [];
      for (let at = first; at < items.length; at += 1) {
        const item = items[at] as T;
        (matches(item) ? removed : kept).push(item);
      }
      items = kept;
      first = 0;
      return removed;
    },
  };
};
