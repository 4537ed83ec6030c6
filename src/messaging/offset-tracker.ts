/** One record that was taken and is unfinished. A link of the tracker's list: hold it, do not change it. */
export interface Taken {
  readonly offset: number;
  before: Taken | null;
  after: Taken | null;
  finished: boolean;
}

/**
 * Which records of one partition are finished. Offsets ascend with gaps (markers, compaction); records finish in any
 * order. Unfinished ones form a linked list in offset order, so that taking, finishing and the low-water mark cost the
 * same however far the finished ones have run ahead of the slowest.
 */
export interface OffsetTracker {
  /** The lowest unfinished offset, or {@link next}: everything below is finished. */
  readonly lowWater: number;
  /** One above the highest taken offset. */
  readonly next: number;
  /** Unfinished records below {@link next}. */
  readonly unfinished: number;
  /** Notes that the record at `offset` is being worked on. Throws a RangeError below {@link next}: a bug. */
  take(offset: number): Taken;
  /** Notes that a taken record is finished. Calling it again does nothing. */
  finish(taken: Taken): void;
  /** Unfinished offsets, ascending. */
  holes(): number[];
}

/** Where a tracker begins: what an earlier owner left. */
export interface TrackerStart {
  readonly next: number;
  /** Offsets below `next` that are unfinished, ascending. */
  readonly holes?: readonly number[];
}

/** Makes a tracker; the entries of the holes are passed to `onHole`, in order. */
export const createOffsetTracker = (start: TrackerStart, onHole?: (taken: Taken) => void): OffsetTracker => {
  let next = start.next;
  let unfinished = 0;
  let head: Taken | null = null;
  let tail: Taken | null = null;

  const append = (offset: number): Taken => {
    const taken: Taken = { offset, before: tail, after: null, finished: false };
    if (tail === null) head = taken;
    else tail.after = taken;
    tail = taken;
    unfinished += 1;
    return taken;
  };

  for (const offset of start.holes ?? []) {
    const taken = append(offset);
    onHole?.(taken);
  }

  return {
    get lowWater() {
      return head === null ? next : head.offset;
    },
    get next() {
      return next;
    },
    get unfinished() {
      return unfinished;
    },
    take: (offset) => {
      if (offset < next) throw new RangeError(`Offset ${offset} was taken already: the next one is ${next}.`);
      next = offset + 1;
      return append(offset);
    },
    finish: (taken) => {
      if (taken.finished) return;
      taken.finished = true;
      if (taken.before === null) head = taken.after;
      else taken.before.after = taken.after;
      if (taken.after === null) tail = taken.before;
      else taken.after.before = taken.before;
      unfinished -= 1;
    },
    holes: () => {
      const offsets: number[] = [];
      for (let each = head; each !== null; each = each.after) offsets.push(each.offset);
      return offsets;
    },
  };
};
