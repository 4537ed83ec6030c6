import { limits } from '../kernel/limits.ts';
import type { AppendSink, OutRecord } from './messaging.ts';

/** A record that waits for its acknowledgement. */
export interface QueuedRecord {
  readonly record: OutRecord;
  /** Bytes of its body in a batch. */
  readonly bodyBytes: number;
  readonly queuedAtMs: number;
  readonly sink: AppendSink;
}

/** Bounds what one appender holds in memory: `limits.appendQueueRecords` and `limits.appendQueueBytes`. */
export class AppendBudget {
  #records = 0;
  #bytes = 0;

  get records(): number {
    return this.#records;
  }

  /** False when the record does not fit; nothing is taken then. */
  take(sizeBytes: number): boolean {
    if (this.#records >= limits.appendQueueRecords || this.#bytes + sizeBytes > limits.appendQueueBytes) return false;
    this.#records += 1;
    this.#bytes += sizeBytes;
    return true;
  }

  give(sizeBytes: number): void {
    this.#records -= 1;
    this.#bytes -= sizeBytes;
  }
}

/** Records of one partition in the order of the calls, taken in batches: what gathers while a request is in flight. */
export class Backlog {
  #items: QueuedRecord[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: QueuedRecord): void {
    this.#items.push(item);
  }

  /** The oldest records that fit together into `maxBytes`, at least one when there is any. */
  take(maxBytes: number, sizeOf: (item: QueuedRecord) => number): QueuedRecord[] {
    const start = this.#head;
    let end = start;
    let bytes = 0;
    for (; end < this.#items.length; end += 1) {
      const item = this.#items[end];
      if (item === undefined) break;
      bytes += sizeOf(item);
      if (bytes > maxBytes && end > start) break;
    }
    const taken = start === 0 && end === this.#items.length ? this.#items : this.#items.slice(start, end);
    this.#advance(end);
    return taken;
  }

  /** Puts records back in front, in their order. */
  putBack(items: readonly QueuedRecord[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  /** Removes and returns the records queued before that moment. */
  takeOlder(queuedBeforeMs: number): QueuedRecord[] {
    let end = this.#head;
    while (end < this.#items.length && (this.#items[end]?.queuedAtMs ?? Infinity) < queuedBeforeMs) end += 1;
    const taken = this.#items.slice(this.#head, end);
    this.#advance(end);
    return taken;
  }

  #advance(head: number): void {
    this.#head = head;
    if (head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (head > 1024 && head * 2 > this.#items.length) {
      // Give back what was taken; amortised over the records taken.
      this.#items = this.#items.slice(head);
      this.#head = 0;
    }
  }
}
