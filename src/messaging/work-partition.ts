import { limits } from '../kernel/limits.ts';
import type { Assignment, InRecord, OutRecord } from './messaging.ts';
import { encodeOffsetMetadata, offsetSpanMax } from './offset-metadata.ts';
import { createOffsetTracker, type Taken } from './offset-tracker.ts';
import type { Opening } from './opening.ts';
import type { SettledPartition, Settlement, Settler } from './settle.ts';
import type { Delivery } from './work.ts';

export interface WorkPartitionOptions {
  readonly assignment: Assignment;
  /** Transactional id, or empty. */
  readonly owner: string;
  readonly settler: Settler;
  readonly opening: Opening;
  onDelivery(delivery: Delivery): void;
  onPoison(record: InRecord, blamed: number): readonly OutRecord[];
  /** Room was freed or an obstacle went: the partition may deliver again. */
  onReady(partition: WorkPartition): void;
  /** Deliveries in flight changed by so many. */
  onInFlight(change: 1 | -1): void;
}

/** One period of owning one partition: what waits to be delivered, what is in flight, what is finished. */
export interface WorkPartition extends SettledPartition {
  /** Deliveries handed out and neither settled nor given back. */
  readonly inFlight: number;
  /** Takes records as they were read. */
  offer(records: readonly InRecord[]): void;
  /** Hands out one record when there is one and it may be; false when there is nothing (more) to hand out now. */
  deliver(): boolean;
  /** Hands out nothing more; resolves when everything that was handed out is settled or given back. */
  stop(): Promise<void>;
  /** Makes the next snapshot say that the partition was let go in order. */
  markDrained(): void;
  /** The ownership ended. */
  end(): void;
}

class HandedOut implements Delivery {
  readonly record: InRecord;
  readonly generation: number;
  readonly careful: boolean;
  readonly #taken: Taken;
  #open = true;
  readonly #partition: HandOutPartition;

  constructor(partition: HandOutPartition, record: InRecord, taken: Taken, careful: boolean) {
    this.record = record;
    this.generation = partition.generation;
    this.careful = careful;
    this.#taken = taken;
    this.#partition = partition;
  }

  get live(): boolean {
    return !this.#partition.isOver();
  }

  async settle(outputs: readonly OutRecord[]): Promise<Settlement> {
    if (!this.#open) throw new Error(`The delivery of offset ${this.#taken.offset} was settled or given back before.`);
    this.#open = false;
    return await this.#partition.settle(this.#taken, outputs);
  }

  giveBack(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#partition.giveBack();
  }
}

/** What a delivery may ask of its partition. */
interface HandOutPartition {
  readonly generation: number;
  isOver(): boolean;
  settle(taken: Taken, outputs: readonly OutRecord[]): Promise<Settlement>;
  giveBack(): void;
}

/** Makes the bookkeeping of a partition that was opened. */
export const createWorkPartition = (options: WorkPartitionOptions): WorkPartition => {
  const { assignment, settler, opening } = options;
  const restored = new Map<number, Taken>();
  const tracker = createOffsetTracker(
    { next: opening.next, holes: opening.holes.map((record) => Number(record.offset)) },
    (taken) => restored.set(taken.offset, taken),
  );
  const blamed = new Map(opening.blamed);
  let backlog: readonly InRecord[] = opening.holes;
  let backlogAt = 0;
  let carefulLeft = opening.carefulMax;
  let marked: number | null = null;
  let marking = false;
  let inFlight = 0;
  let paused = false;
  let stopping = false;
  let drained = false;
  let over = false;
  let onIdle: (() => void) | null = null;

  const leave = (): void => {
    if (over) return;
    inFlight -= 1;
    options.onInFlight(-1);
    if (inFlight === 0) onIdle?.();
    options.onReady(partition);
  };

  const handOutPartition: HandOutPartition = {
    generation: assignment.generation,
    isOver: () => over,
    settle: async (taken, outputs) => (over ? 'released' : await settler.settle(partition, taken, outputs)),
    giveBack: leave,
  };

  const enter = (): void => {
    inFlight += 1;
    options.onInFlight(1);
  };

  const handOut = (record: InRecord, taken: Taken, careful: boolean): void => {
    enter();
    options.onDelivery(new HandedOut(handOutPartition, record, taken, careful));
  };

  /** Commits which record is about to be opened, so that a death is blamed on it, and opens it. */
  const openMarked = async (record: InRecord, taken: Taken): Promise<void> => {
    marking = true;
    marked = taken.offset;
    await settler.commitNow(partition);
    marking = false;
    if (!over && !stopping) handOut(record, taken, true);
    else onIdle?.();
  };

  const park = (record: InRecord, taken: Taken, count: number): void => {
    enter();
    // A rejection has reached `onFailed` by way of the settler.
    settler.settle(partition, taken, options.onPoison(record, count)).catch(() => {});
  };

  const isCareful = (offset: number): boolean => carefulLeft > 0 && offset < opening.carefulEnd;
  const hasRoom = (): boolean =>
    tracker.unfinished < limits.inFlightPerPartition && tracker.next - tracker.lowWater < offsetSpanMax;

  const take = (offset: number): Taken => {
    const hole = restored.get(offset);
    restored.delete(offset);
    return hole ?? tracker.take(offset);
  };

  const advance = (): void => {
    backlogAt += 1;
    if (backlogAt < backlog.length) return;
    backlog = [];
    backlogAt = 0;
    if (paused && !stopping) assignment.resume();
    paused = false;
  };

  const holdReading = (): void => {
    if (paused || backlogAt === backlog.length) return;
    paused = true;
    assignment.pause();
  };

  const open = (record: InRecord, offset: number): void => {
    const taken = take(offset);
    const count = blamed.get(offset) ?? 0;
    const careful = isCareful(offset);
    if (careful) carefulLeft -= 1;
    if (count >= limits.blamedMax) park(record, taken, count);
    else if (careful) void openMarked(record, taken);
    else handOut(record, taken, false);
  };

  const partition: WorkPartition = {
    assignment,
    get over() {
      return over;
    },
    get inFlight() {
      return inFlight;
    },
    offer: (records) => {
      backlog = backlogAt < backlog.length ? [...backlog.slice(backlogAt), ...records] : records;
      backlogAt = 0;
      options.onReady(partition);
      holdReading();
    },
    deliver: () => {
      const record = backlog[backlogAt];
      if (record === undefined || stopping || over || marking) return false;
      const offset = Number(record.offset);
      const alone = isCareful(offset) || marked !== null;
      if (alone && inFlight > 0) return false;
      if (!restored.has(offset) && !hasRoom()) return false;
      open(record, offset);
      advance();
      return true;
    },
    finish: (taken) => {
      tracker.finish(taken);
      blamed.delete(taken.offset);
      if (marked === taken.offset) marked = null;
    },
    leave,
    snapshot: () => {
      const lowWater = tracker.lowWater;
      return {
        assignment,
        offset: BigInt(lowWater),
        metadata: encodeOffsetMetadata(lowWater, {
          owner: options.owner,
          drained,
          next: tracker.next,
          holes: tracker.holes(),
          marked: drained ? null : marked,
          blamed,
        }),
      };
    },
    stop: async () => {
      stopping = true;
      backlog = [];
      backlogAt = 0;
      if (inFlight === 0 && !marking) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
    markDrained: () => {
      drained = true;
    },
    end: () => {
      if (over) return;
      over = true;
      stopping = true;
      for (let left = inFlight; left > 0; left -= 1) options.onInFlight(-1);
      inFlight = 0;
      onIdle?.();
    },
  };
  holdReading();
  return partition;
};
