import type { InRecord } from '../messaging.ts';
import type { Slice } from './record-decoder.ts';

/** Where the records of one partition go. */
export interface FeedTarget {
  /** Name on the broker. */
  readonly fullName: string;
  readonly topic: string;
  readonly partition: number;
  /** Takes records; `next` is the offset after them. The next ones follow after the promise. */
  deliver(records: readonly InRecord[], next: bigint): Promise<void> | void;
  /** Everything below `next` was delivered or is nothing to deliver. */
  passed(next: bigint): void;
  /** Reading ends for good. */
  failed(error: Error): void;
}

/** One partition being read: the offset of the next fetch, what waits to be handed over, whether it may be. */
export class Feed {
  readonly target: FeedTarget;
  /** Offset of the next fetch. */
  position: bigint;
  paused = false;
  closed = false;
  /** Waits for metadata or for a pause after an error. */
  resting = false;
  /** When the brokers first denied knowing the topic; null while they know it. */
  unknownSinceMs: number | null = null;
  /** The fetch under way that covers this partition; compared by reference. */
  request: object | null = null;
  #waiting: Slice | null = null;
  #busy = false;
  readonly #onRoom: () => void;

  constructor(target: FeedTarget, position: bigint, onRoom: () => void) {
    this.target = target;
    this.position = position;
    this.#onRoom = onRoom;
  }

  /** Wants to be part of the next fetch: one slice is read ahead of the one being worked on. */
  get hungry(): boolean {
    return !this.closed && !this.paused && !this.resting && this.request === null && this.#waiting === null;
  }

  /** Hands a slice over, now or after the one before. */
  offer(slice: Slice): void {
    this.position = slice.next;
    if (this.#busy || this.paused) this.#waiting = slice;
    else this.#hand(slice);
  }

  resume(): void {
    if (!this.paused || this.closed) return;
    this.paused = false;
    this.#handWaiting();
    this.#onRoom();
  }

  close(): void {
    this.closed = true;
    this.#waiting = null;
  }

  #hand(slice: Slice): void {
    if (slice.records.length === 0) {
      this.target.passed(slice.next);
      return;
    }
    this.#busy = true;
    try {
      const working = this.target.deliver(slice.records, slice.next);
      if (working === undefined) {
        this.#busy = false;
        if (!this.closed) this.target.passed(slice.next);
      } else {
        void this.#finish(working, slice.next);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #finish(working: Promise<void>, next: bigint): Promise<void> {
    try {
      await working;
      this.#busy = false;
      if (this.closed) return;
      this.target.passed(next);
      this.#handWaiting();
    } catch (error) {
      this.#fail(error);
    }
  }

  #handWaiting(): void {
    const slice = this.#waiting;
    if (slice === null || this.#busy || this.paused || this.closed) return;
    this.#waiting = null;
    this.#hand(slice);
    this.#onRoom();
  }

  #fail(error: unknown): void {
    this.close();
    this.target.failed(error instanceof Error ? error : new Error(String(error)));
  }
}
