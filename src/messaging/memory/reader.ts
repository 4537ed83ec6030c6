import type { Clock } from '../../kernel/clock.ts';
import type { InRecord } from '../messaging.ts';
import type { Isolation, MemoryLog, ReadResult } from './log.ts';
import type { MemoryNetwork } from './network.ts';

export interface MemoryReaderOptions {
  readonly log: MemoryLog;
  readonly clock: Clock;
  readonly network: MemoryNetwork;
  readonly isolation: Isolation;
  readonly position: number;
  onRecords(records: readonly InRecord[]): Promise<void> | void;
  onPosition?(position: bigint): void;
  onFailed(error: unknown): void;
}

const recordsMax = 500;
const retryAfterMs = 20;

/** Reads one partition in order and waits for more at its end. */
export class MemoryReader {
  readonly #options: MemoryReaderOptions;
  readonly #unwatch: () => void;
  #position: number;
  #paused = false;
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(options: MemoryReaderOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#unwatch = options.log.watch(() => this.#wake?.());
  }

  get position(): number {
    return this.#position;
  }

  /** Only before {@link run}. */
  seek(position: number): void {
    this.#position = position;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#wake?.();
  }

  /** Reads until it is closed or `onRecords` fails. */
  async run(): Promise<void> {
    try {
      for (;;) {
        const result = await this.#next();
        if (result === null) return;
        if (result.records.length > 0) await this.#options.onRecords(result.records);
        this.#position = result.next;
        if (!this.#isClosed()) this.#options.onPosition?.(BigInt(result.next));
      }
    } catch (error) {
      this.close();
      this.#options.onFailed(error);
    }
  }

  /** The next batch, or null when the reader was closed. */
  async #next(): Promise<ReadResult | null> {
    const { log, isolation } = this.#options;
    for (;;) {
      if (this.#isClosed()) return null;
      if (this.#paused || log.end(isolation) <= this.#position) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
        continue;
      }
      const result = await this.#fetch();
      // A pause or a close while the answer was under way takes effect: what was read is read again.
      if (result !== null && !this.#isHalted()) return result;
    }
  }

  async #fetch(): Promise<ReadResult | null> {
    const { log, network, isolation, clock } = this.#options;
    try {
      return await network.call('fetch', () => log.read(this.#position, isolation, recordsMax));
    } catch {
      await new Promise<void>((resolve) => clock.after(retryAfterMs, resolve));
      return null;
    }
  }

  #isHalted(): boolean {
    return this.#paused || this.#closed;
  }

  #isClosed(): boolean {
    return this.#closed;
  }
}
