import { PlatformError } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { type CommitAttempt, type CommitLoop, createCommitLoop } from './commit-loop.ts';
import { isRefusal } from './errors.ts';
import type { AppendSink, OutRecord, Transactor } from './messaging.ts';
import type { Taken } from './offset-tracker.ts';
import {
  asError,
  hasCode,
  isPassing,
  type Outputs,
  offsetsOf,
  type SettledPartition,
  type Settlement,
  type Settler,
  type SettlerOptions,
  tellRefused,
} from './settle.ts';

const sizeOf = (outputs: readonly OutRecord[]): number => {
  let bytes = 0;
  for (const { key, value } of outputs) bytes += (key?.length ?? 0) + (value?.length ?? 0);
  return bytes;
};

/**
 * What the open transaction and the one that ends hold together at most: with what one entry adds it fits the
 * transactor's queue, so that everything can be appended again at once after an abort.
 */
const transactionRecordsMax = limits.appendQueueRecords / 2;
const transactionBytesMax = limits.appendQueueBytes / 2;

/** What one transaction holds: its records are what its offsets newly count as finished. */
interface Batch {
  readonly entries: Entry[];
  records: number;
  bytes: number;
  /** An append failed: it must not be committed. */
  spoiled: boolean;
}

const emptyBatch = (): Batch => ({ entries: [], records: 0, bytes: 0, spoiled: false });

interface EntryParts {
  readonly partition: SettledPartition;
  readonly taken: Taken;
  readonly outputs: Outputs;
  resolve(settlement: Settlement): void;
  reject(error: Error): void;
  onFailed(entry: Entry, error: Error, output: OutRecord): void;
}

/** The outputs of one record on their way into a transaction. */
class Entry implements AppendSink {
  readonly #parts: EntryParts;
  /** Without those that were refused. */
  #outputs: readonly OutRecord[];
  /** The transaction that they were last given to. */
  #batch: Batch | null = null;
  /** Outputs that the broker has not answered yet, in the present transaction. */
  #unanswered = 0;
  #answered = false;

  constructor(parts: EntryParts) {
    this.#parts = parts;
    this.#outputs = parts.outputs.records;
  }

  get patient(): boolean {
    return this.#parts.outputs.patient;
  }

  get partition(): SettledPartition {
    return this.#parts.partition;
  }

  get taken(): Taken {
    return this.#parts.taken;
  }

  get outputs(): readonly OutRecord[] {
    return this.#outputs;
  }

  get batch(): Batch | null {
    return this.#batch;
  }

  /** Appends them. */
  sendIn(batch: Batch, transactor: Pick<Transactor, 'send'>): void {
    this.#batch = batch;
    this.#unanswered = this.#outputs.length;
    if (this.#unanswered === 0) this.answer('settled');
    for (const output of this.#outputs) transactor.send(output, this);
  }

  appended(): void {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.answer('settled');
  }

  failed(error: Error, output: OutRecord): void {
    this.#parts.onFailed(this, error, output);
  }

  /** That output is none: the log refused it for good. */
  leaveOut(output: OutRecord): void {
    this.#outputs = this.#outputs.filter((each) => each !== output);
    this.appended();
  }

  answer(settlement: Settlement): void {
    if (this.#answered) return;
    this.#answered = true;
    this.partition.leave();
    this.#parts.resolve(settlement);
  }

  refuse(error: Error): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#parts.reject(error);
  }
}

/** What is settled while a transaction ends goes into the next one, so it is always known what each holds. */
class TransactionSettler implements Settler {
  readonly #options: SettlerOptions;
  readonly #transactor: Transactor;
  readonly #loop: CommitLoop<SettledPartition>;
  /** In the open transaction. */
  #batch: Batch = emptyBatch();
  /** In the transaction that ends now. */
  #ending: Batch = emptyBatch();
  /** Settled when the transactions are full. */
  #held: Entry[] = [];
  #failed: Error | null = null;

  constructor(options: SettlerOptions, transactor: Transactor) {
    this.#options = options;
    this.#transactor = transactor;
    const attempt = async (partitions: readonly SettledPartition[]) => await this.#attempt(partitions);
    this.#loop = createCommitLoop({ clock: options.clock, everyMs: options.everyMs, attempt });
  }

  async settle(partition: SettledPartition, taken: Taken, outputs: Outputs): Promise<Settlement> {
    return await new Promise<Settlement>((resolve, reject) => {
      const entry = new Entry({ partition, taken, outputs, resolve, reject, onFailed: this.#onFailed });
      if (this.#failed !== null) entry.refuse(this.#failed);
      else this.#take(entry);
    });
  }

  async commitNow(partition: SettledPartition): Promise<void> {
    await this.#loop.flush(partition);
  }

  async idle(): Promise<void> {
    await this.#loop.idle();
  }

  async close(): Promise<void> {
    await this.#loop.stop();
    await this.#transactor.close();
  }

  #take(entry: Entry): void {
    const records = this.#batch.records + this.#ending.records;
    const bytes = this.#batch.bytes + this.#ending.bytes;
    if (records >= transactionRecordsMax || bytes >= transactionBytesMax) this.#held.push(entry);
    else this.#publish(entry);
  }

  #publish(entry: Entry): void {
    if (entry.partition.over) {
      entry.answer('released');
      return;
    }
    const batch = this.#batch;
    batch.entries.push(entry);
    entry.partition.finish(entry.taken);
    this.#loop.touch(entry.partition);
    batch.records += entry.outputs.length;
    batch.bytes += sizeOf(entry.outputs);
    entry.sendIn(batch, this.#transactor);
  }

  readonly #onFailed = (entry: Entry, error: Error, output: OutRecord): void => {
    if (isRefusal(error)) {
      tellRefused(this.#options.logger, output, entry.partition, error);
      entry.leaveOut(output);
      return;
    }
    if (entry.batch !== null) entry.batch.spoiled = true;
    if (!isPassing(error)) this.#fail(error);
  };

  async #attempt(partitions: readonly SettledPartition[]): Promise<CommitAttempt> {
    if (this.#failed !== null) return 'committed';
    const batch = this.#batch;
    this.#ending = batch;
    this.#batch = emptyBatch();
    try {
      const end = await this.#endTransaction(batch, partitions);
      this.#ending = emptyBatch();
      // Their records count as finished already: all of them have to stand in the transaction that is committed next.
      if (end !== 'committed') for (const entry of batch.entries) this.#publish(entry);
      const held = this.#held;
      this.#held = [];
      for (const entry of held) this.#take(entry);
      return end;
    } catch (error) {
      this.#fail(error);
      return 'committed';
    }
  }

  /**
   * Ends the open transaction: committed with the offsets of the partitions, or aborted. Outputs that are still under
   * way are waited for by the transactor, while the offsets travel beside them: one that fails aborts them all.
   */
  async #endTransaction(batch: Batch, partitions: readonly SettledPartition[]): Promise<CommitAttempt> {
    // Nothing of a period that ended may be published: the others' outputs are appended again without it.
    if (batch.spoiled || batch.entries.some((entry) => entry.partition.over)) {
      await this.#transactor.abort();
      return batch.spoiled ? 'later' : 'again';
    }
    try {
      await this.#transactor.commit([offsetsOf(this.#options.membership(), partitions)]);
      return 'committed';
    } catch (error) {
      const { message, cause } = asError(error);
      if (!hasCode(error, 'MESSAGING_ABORTED')) throw error;
      if (cause instanceof PlatformError && !isPassing(cause)) throw cause;
      this.#options.logger.warn({ event: 'transaction.repeated', inputs: batch.entries.length, reason: message });
      return 'later';
    }
  }

  #fail(error: unknown): void {
    if (this.#failed !== null) return;
    this.#failed = asError(error);
    for (const entry of [...this.#ending.entries, ...this.#batch.entries, ...this.#held]) entry.refuse(this.#failed);
    this.#ending = emptyBatch();
    this.#batch = emptyBatch();
    this.#held = [];
    this.#options.onFailed(this.#failed);
  }
}

/**
 * Settles in transactions: the outputs of the records that finished since the last one, with the offsets that count
 * them as finished. An aborted one's outputs are appended again while the partition is owned, not made again.
 */
export const createTransactionSettler = (options: SettlerOptions, transactor: Transactor): Settler =>
  new TransactionSettler(options, transactor);
