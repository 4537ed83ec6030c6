import type { InRecord, OutRecord } from '../messaging.ts';

/** A transaction as the log sees it; ended by its coordinator. */
export interface MemoryTransaction {
  state: 'open' | 'committed' | 'aborted';
}

interface Entry {
  /** Null for the marker that ends a transaction: it takes an offset and is never handed over. */
  readonly record: InRecord | null;
  readonly transaction: MemoryTransaction | null;
}

export type Isolation = 'committed' | 'uncommitted';

/** What one read brought: the records, and where to read on. */
export interface ReadResult {
  readonly records: readonly InRecord[];
  readonly next: number;
}

/** One partition: records, markers and who waits for more. Offsets are places in the array. */
export class MemoryLog {
  readonly topic: string;
  readonly partition: number;
  readonly #entries: Entry[] = [];
  /** First offset of each open transaction. */
  readonly #open = new Map<MemoryTransaction, number>();
  readonly #watchers = new Set<() => void>();

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** End offset, or the last stable one: committed readers do not pass an open transaction. */
  end(isolation: Isolation): number {
    return isolation === 'uncommitted' ? this.#entries.length : Math.min(this.#entries.length, ...this.#open.values());
  }

  append(record: OutRecord, timestampMs: number, transaction: MemoryTransaction | null): number {
    const offset = this.#entries.length;
    const { key, value, headers } = record;
    const { topic, partition } = this;
    this.#entries.push({
      record: { topic, partition, offset: BigInt(offset), timestampMs, key, value, headers },
      transaction,
    });
    if (transaction !== null && !this.#open.has(transaction)) this.#open.set(transaction, offset);
    this.#changed();
    return offset;
  }

  /** Writes the marker of a transaction whose state was decided. */
  mark(transaction: MemoryTransaction): void {
    if (!this.#open.delete(transaction)) return;
    this.#entries.push({ record: null, transaction });
    this.#changed();
  }

  read(from: number, isolation: Isolation, recordsMax: number): ReadResult {
    const end = this.end(isolation);
    const records: InRecord[] = [];
    let next = from;
    for (; next < end && records.length < recordsMax; next += 1) {
      const record = this.#visible(next, isolation);
      if (record !== null) records.push(record);
    }
    return { records, next };
  }

  at(offsets: readonly number[], isolation: Isolation): InRecord[] {
    const sorted = [...offsets].sort((left, right) => left - right);
    return sorted.map((offset) => this.#visible(offset, isolation)).filter((record) => record !== null);
  }

  /** Everything that is committed, also beyond a transaction that holds committed readers back. For inspection. */
  committedRecords(): InRecord[] {
    return this.#entries
      .filter((entry) => entry.transaction === null || entry.transaction.state === 'committed')
      .map((entry) => entry.record)
      .filter((record) => record !== null);
  }

  /** Calls back after every change until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => {
      this.#watchers.delete(onChange);
    };
  }

  #visible(offset: number, isolation: Isolation): InRecord | null {
    const entry = this.#entries[offset];
    if (entry === undefined) return null;
    return isolation === 'committed' && entry.transaction?.state === 'aborted' ? null : entry.record;
  }

  #changed(): void {
    for (const onChange of [...this.#watchers]) onChange();
  }
}
