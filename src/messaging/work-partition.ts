import { limits } from '../kernel/limits.ts';
import type { CarefulTurns, Turn } from './careful-turns.ts';
import type { Assignment, InRecord, OutRecord, PartitionOffset } from './messaging.ts';
import { encodeOffsetMetadata, offsetSpanMax } from './offset-metadata.ts';
import { createOffsetTracker, type OffsetTracker, type Taken } from './offset-tracker.ts';
import type { Opening } from './opening.ts';
import type { SettledPartition, Settlement, Settler } from './settle.ts';
import type { Delivery } from './work.ts';

export interface WorkPartitionOptions {
  readonly assignment: Assignment;
  /** Transactional id, or empty. */
  readonly owner: string;
  readonly settler: Settler;
  readonly opening: Opening;
  /** Of the whole consumer. */
  readonly turns: CarefulTurns;
  onDelivery(delivery: Delivery): void;
  onPoison(record: InRecord, blamed: number): readonly OutRecord[];
  /** Room was freed or an obstacle went: the partition may deliver again. */
  onReady(partition: WorkPartition): void;
  /** Deliveries in flight changed by so many. */
  onInFlight(change: number): void;
}

/** A record in work; thin, because one is made for every record. */
class HandedOut implements Delivery {
  readonly record: InRecord;
  readonly careful: boolean;
  readonly #taken: Taken;
  readonly #partition: WorkPartition;
  #open = true;

  constructor(partition: WorkPartition, record: InRecord, taken: Taken, careful: boolean) {
    this.record = record;
    this.careful = careful;
    this.#taken = taken;
    this.#partition = partition;
  }

  get generation(): number {
    return this.#partition.assignment.generation;
  }

  get live(): boolean {
    return !this.#partition.over;
  }

  async settle(outputs: readonly OutRecord[], patient = false): Promise<Settlement> {
    if (!this.#open) throw new Error(`The delivery of offset ${this.#taken.offset} was settled or given back before.`);
    this.#open = false;
    return await this.#partition.settle(this.#taken, outputs, patient);
  }

  giveBack(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#partition.leave();
  }
}

/** One period of owning one partition: what waits to be delivered, what is in flight, what is finished. */
export class WorkPartition implements SettledPartition {
  readonly assignment: Assignment;
  readonly #options: WorkPartitionOptions;
  readonly #tracker: OffsetTracker;
  /** Holes that were not delivered yet: records below the point where reading went on. */
  readonly #restored = new Map<number, Taken>();
  readonly #blamed: Map<number, number>;
  #backlog: readonly InRecord[];
  #backlogAt = 0;
  #carefulLeft: number;
  /** The record that is open alone, or is about to be. */
  #marked: number | null = null;
  #marking = false;
  #turn: Turn | null = null;
  #inFlight = 0;
  #paused = false;
  #stopping = false;
  #drained = false;
  #over = false;
  #onIdle: (() => void) | null = null;

  constructor(options: WorkPartitionOptions) {
    const { opening } = options;
    this.assignment = options.assignment;
    this.#options = options;
    this.#tracker = createOffsetTracker(
      { next: opening.next, holes: opening.holes.map((record) => Number(record.offset)) },
      (taken) => this.#restored.set(taken.offset, taken),
    );
    this.#blamed = new Map(opening.blamed);
    this.#backlog = opening.holes;
    this.#carefulLeft = opening.carefulMax;
    this.#holdReading();
  }

  get over(): boolean {
    return this.#over;
  }

  /** Takes records as they were read. */
  offer(records: readonly InRecord[]): void {
    const waiting = this.#backlogAt < this.#backlog.length;
    this.#backlog = waiting ? [...this.#backlog.slice(this.#backlogAt), ...records] : records;
    this.#backlogAt = 0;
    this.#options.onReady(this);
    this.#holdReading();
  }

  /** Hands out one record; false when there is none or it may not be handed out now. */
  deliver(): boolean {
    const record = this.#backlog[this.#backlogAt];
    if (record === undefined || this.#stopping || this.#marking) return false;
    const offset = Number(record.offset);
    if (this.#inFlight > 0 && (this.#marked !== null || this.#isCareful(offset))) return false;
    if (!this.#restored.has(offset) && !this.#hasRoom()) return false;
    this.#advance();
    this.#open(record, offset);
    return true;
  }

  async settle(taken: Taken, outputs: readonly OutRecord[], patient = false): Promise<Settlement> {
    return this.#over ? 'released' : await this.#options.settler.settle(this, taken, { records: outputs, patient });
  }

  finish(taken: Taken): void {
    this.#tracker.finish(taken);
    this.#blamed.delete(taken.offset);
    if (this.#marked !== taken.offset) return;
    this.#marked = null;
    this.#turn?.release();
  }

  leave(): void {
    if (this.#over) return;
    this.#inFlight -= 1;
    this.#options.onInFlight(-1);
    if (this.#inFlight === 0) this.#onIdle?.();
    this.#options.onReady(this);
  }

  snapshot(): PartitionOffset {
    const { lowWater, next } = this.#tracker;
    const metadata = encodeOffsetMetadata(lowWater, {
      owner: this.#options.owner,
      drained: this.#drained,
      next,
      holes: this.#tracker.holes(),
      marked: this.#drained ? null : this.#marked,
      blamed: this.#blamed,
    });
    return { assignment: this.assignment, offset: BigInt(lowWater), metadata };
  }

  /** Hands out nothing more; resolves when everything that was handed out is settled or given back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#backlog = [];
    this.#backlogAt = 0;
    // Who still waits for its turn opens nothing any more.
    if (this.#inFlight === 0 && (!this.#marking || this.#turn === null)) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Makes the next snapshot say that the partition was let go in order. */
  markDrained(): void {
    this.#drained = true;
  }

  /** The ownership ended. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopping = true;
    this.#options.onInFlight(-this.#inFlight);
    this.#inFlight = 0;
    this.#turn?.release();
    this.#onIdle?.();
  }

  #isCareful(offset: number): boolean {
    return this.#carefulLeft > 0 && offset < this.#options.opening.carefulEnd;
  }

  #hasRoom(): boolean {
    const { unfinished, next, lowWater } = this.#tracker;
    return unfinished < limits.inFlightPerPartition && next - lowWater < offsetSpanMax;
  }

  #open(record: InRecord, offset: number): void {
    const taken = this.#take(offset);
    if (!this.#isCareful(offset)) {
      this.#begin(record, taken, false);
      return;
    }
    this.#carefulLeft -= 1;
    void this.#openMarked(record, taken);
  }

  #take(offset: number): Taken {
    const hole = this.#restored.get(offset);
    this.#restored.delete(offset);
    return hole ?? this.#tracker.take(offset);
  }

  /** Commits which record is about to be opened, so that a death is blamed on it, and opens it. */
  async #openMarked(record: InRecord, taken: Taken): Promise<void> {
    this.#marking = true;
    this.#turn = null;
    const turn = await this.#options.turns.take(this.#blamed.has(taken.offset));
    this.#turn = turn;
    if (!this.#isStopping()) {
      this.#marked = taken.offset;
      await this.#options.settler.commitNow(this);
    }
    this.#marking = false;
    if (!this.#isStopping()) {
      this.#begin(record, taken, true);
      return;
    }
    turn.release();
    this.#turn = null;
    this.#onIdle?.();
  }

  /** Parking is marked too: who parks looks into the record. */
  #begin(record: InRecord, taken: Taken, careful: boolean): void {
    const blamed = this.#blamed.get(taken.offset) ?? 0;
    if (blamed >= limits.blamedMax) this.#park(record, taken, blamed);
    else this.#handOut(record, taken, careful);
  }

  #handOut(record: InRecord, taken: Taken, careful: boolean): void {
    this.#enter();
    this.#options.onDelivery(new HandedOut(this, record, taken, careful));
  }

  #park(record: InRecord, taken: Taken, blamed: number): void {
    this.#enter();
    // A rejection has reached `onFailed` by way of the settler.
    this.settle(taken, this.#options.onPoison(record, blamed)).catch(() => {});
  }

  #enter(): void {
    this.#inFlight += 1;
    this.#options.onInFlight(1);
  }

  #isStopping(): boolean {
    return this.#stopping;
  }

  #holdReading(): void {
    if (this.#paused || this.#backlogAt >= this.#backlog.length) return;
    this.#paused = true;
    this.assignment.pause();
  }

  #advance(): void {
    this.#backlogAt += 1;
    if (this.#backlogAt < this.#backlog.length) return;
    this.#backlog = [];
    this.#backlogAt = 0;
    if (this.#paused) this.assignment.resume();
    this.#paused = false;
  }
}
