import { type Clock, sleep } from '../kernel/clock.ts';
import { PlatformError } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import { type CommitAttempt, type CommitLoop, createCommitLoop } from './commit-loop.ts';
import { isRefusal } from './errors.ts';
import type {
  Appender,
  Assignment,
  GroupOffsets,
  Membership,
  OutRecord,
  PartitionOffset,
  Transactor,
} from './messaging.ts';
import type { Taken } from './offset-tracker.ts';

/** What settling needs of one period of owning one partition. */
export interface SettledPartition {
  readonly assignment: Assignment;
  /** True once the ownership ended: nothing of it may be published or committed. */
  readonly over: boolean;
  /** The record's outputs are published, or stand in the transaction that the next offsets go with. */
  finish(taken: Taken): void;
  /** The broker acknowledged the outputs of a record (or they can no longer be published): its place is free. */
  leave(): void;
  /** Low-water mark and metadata as of now. */
  snapshot(): PartitionOffset;
}

export type Settlement = 'settled' | 'released';

/** The only place that acknowledges: outputs first or together, offsets never before them. */
export interface Settler {
  /** See `Delivery.settle`. Rejects when the consumer failed. */
  settle(partition: SettledPartition, taken: Taken, outputs: readonly OutRecord[]): Promise<Settlement>;
  /** Resolves when the partition's present state is committed, its ownership ended, or the consumer failed. */
  commitNow(partition: SettledPartition): Promise<void>;
  /** Resolves when no commit is under way that began before this call. */
  idle(): Promise<void>;
  /** Ends without another commit, closing what publishes. Call after the membership was closed. */
  close(): Promise<void>;
}

export interface SettlerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly everyMs: number;
  /** Known before the first partition is assigned. */
  membership(): Membership;
  /** The process must end. Called at most once. */
  onFailed(error: Error): void;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof PlatformError && codes.includes(error.code);
/** Failures after which trying it again is of use. */
const isPassing = (error: unknown): boolean =>
  hasCode(error, 'MESSAGING_UNAVAILABLE', 'MESSAGING_QUEUE_FULL', 'MESSAGING_ABORTED', 'MESSAGING_ASSIGNMENT_ENDED');

const offsetsOf = (membership: Membership, partitions: readonly SettledPartition[]): GroupOffsets => ({
  membership,
  offsets: partitions.filter((each) => !each.over).map((each) => each.snapshot()),
});

/** A record that the log will never take: what else was made of the same input counts without it. */
const tellRefused = (logger: Logger, output: OutRecord, { assignment }: SettledPartition, error: unknown): void => {
  const { message } = asError(error);
  const from = { topic: assignment.topic, partition: assignment.partition };
  logger.error({ event: 'output.refused', to: output.topic.name, from, reason: message });
};

const sizeOf = (outputs: readonly OutRecord[]): number =>
  outputs.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);

/**
 * What the open transaction and the one that ends hold together at most: with what one entry adds it fits the
 * transactor's queue, so that everything can be appended again at once after an abort.
 */
const transactionRecordsMax = limits.appendQueueRecords / 2;
const transactionBytesMax = limits.appendQueueBytes / 2;

/** Outputs on their way into a transaction. */
interface Entry {
  readonly partition: SettledPartition;
  readonly taken: Taken;
  /** Without those that were refused. */
  outputs: readonly OutRecord[];
  resolve(settlement: Settlement): void;
  reject(error: Error): void;
  /** Outputs that the broker has not answered yet, in the present transaction. */
  unanswered: number;
  /** True once {@link resolve} or {@link reject} was called. */
  answered: boolean;
}

const answer = (entry: Entry, settlement: Settlement): void => {
  if (entry.answered) return;
  entry.answered = true;
  entry.partition.leave();
  entry.resolve(settlement);
};

const refuse = (entry: Entry, error: Error): void => {
  if (entry.answered) return;
  entry.answered = true;
  entry.reject(error);
};

/** What one transaction holds: its records are what its offsets newly count as finished. */
interface Batch {
  readonly entries: Entry[];
  records: number;
  bytes: number;
  /** An append failed: it must not be committed. */
  spoiled: boolean;
}

const emptyBatch = (): Batch => ({ entries: [], records: 0, bytes: 0, spoiled: false });

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

  async settle(partition: SettledPartition, taken: Taken, outputs: readonly OutRecord[]): Promise<Settlement> {
    return await new Promise<Settlement>((resolve, reject) => {
      const entry: Entry = { partition, taken, outputs, resolve, reject, unanswered: 0, answered: false };
      if (this.#failed !== null) refuse(entry, this.#failed);
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
      answer(entry, 'released');
      return;
    }
    const batch = this.#batch;
    batch.entries.push(entry);
    entry.partition.finish(entry.taken);
    this.#loop.touch(entry.partition);
    entry.unanswered = entry.outputs.length;
    batch.records += entry.outputs.length;
    batch.bytes += sizeOf(entry.outputs);
    if (entry.outputs.length === 0) answer(entry, 'settled');
    for (const output of entry.outputs) void this.#append(batch, entry, output);
  }

  async #append(batch: Batch, entry: Entry, output: OutRecord): Promise<void> {
    try {
      await this.#transactor.append(output);
      this.#appended(entry);
    } catch (error) {
      if (isRefusal(error)) this.#refused(entry, output, error);
      else this.#spoil(batch, error);
    }
  }

  #appended(entry: Entry): void {
    entry.unanswered -= 1;
    if (entry.unanswered === 0) answer(entry, 'settled');
  }

  #refused(entry: Entry, output: OutRecord, error: unknown): void {
    tellRefused(this.#options.logger, output, entry.partition, error);
    entry.outputs = entry.outputs.filter((each) => each !== output);
    this.#appended(entry);
  }

  #spoil(batch: Batch, error: unknown): void {
    batch.spoiled = true;
    if (!isPassing(error)) this.#fail(error);
  }

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
    for (const entry of [...this.#ending.entries, ...this.#batch.entries, ...this.#held]) refuse(entry, this.#failed);
    this.#ending = emptyBatch();
    this.#batch = emptyBatch();
    this.#held = [];
    this.#options.onFailed(this.#failed);
  }
}

/** Appends outputs, in order and again when that failed in passing, and commits the offsets of what was acknowledged. */
class AppendSettler implements Settler {
  readonly #options: SettlerOptions;
  readonly #appender: Appender;
  readonly #loop: CommitLoop<SettledPartition>;
  #failed: Error | null = null;

  constructor(options: SettlerOptions, appender: Appender) {
    this.#options = options;
    this.#appender = appender;
    const attempt = async (partitions: readonly SettledPartition[]) => await this.#attempt(partitions);
    this.#loop = createCommitLoop({ clock: options.clock, everyMs: options.everyMs, attempt });
  }

  async settle(partition: SettledPartition, taken: Taken, outputs: readonly OutRecord[]): Promise<Settlement> {
    try {
      const settlement = await this.#publish(partition, outputs);
      if (settlement === 'settled' && !partition.over) {
        partition.finish(taken);
        this.#loop.touch(partition);
      }
      partition.leave();
      return settlement;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  async commitNow(partition: SettledPartition): Promise<void> {
    await this.#loop.flush(partition);
  }

  async idle(): Promise<void> {
    await this.#loop.idle();
  }

  async close(): Promise<void> {
    await this.#loop.stop();
    await this.#appender.close();
  }

  async #publish(partition: SettledPartition, outputs: readonly OutRecord[]): Promise<Settlement> {
    let left = outputs;
    for (let tries = 0; ; tries += 1) {
      if (this.#failed !== null) throw this.#failed;
      if (partition.over) return 'released';
      left = await this.#appendAll(partition, left);
      if (left.length === 0) return 'settled';
      await sleep(this.#options.clock, Math.min(5_000, 100 * 2 ** Math.min(tries, 6)));
    }
  }

  /** Gives back the outputs that failed in passing. */
  async #appendAll(partition: SettledPartition, outputs: readonly OutRecord[]): Promise<readonly OutRecord[]> {
    const ends = await Promise.allSettled(outputs.map(async (output) => await this.#appender.append(output)));
    return outputs.filter((output, at) => {
      const end = ends[at];
      if (end?.status !== 'rejected') return false;
      if (isPassing(end.reason)) return true;
      if (!isRefusal(end.reason)) throw asError(end.reason);
      tellRefused(this.#options.logger, output, partition, end.reason);
      return false;
    });
  }

  async #attempt(partitions: readonly SettledPartition[]): Promise<CommitAttempt> {
    if (this.#failed !== null) return 'committed';
    const { membership, offsets } = offsetsOf(this.#options.membership(), partitions);
    if (offsets.length === 0) return 'committed';
    try {
      await membership.commit(offsets);
      return 'committed';
    } catch (error) {
      if (isPassing(error)) return 'later';
      this.#fail(error);
      return 'committed';
    }
  }

  #fail(error: unknown): void {
    if (this.#failed !== null) return;
    this.#failed = asError(error);
    this.#options.onFailed(this.#failed);
  }
}

/**
 * Settles in transactions: the outputs of the records that finished since the last one, with the offsets that count
 * them as finished. An aborted one's outputs are appended again while the partition is owned, not made again.
 */
export const createTransactionSettler = (options: SettlerOptions, transactor: Transactor): Settler =>
  new TransactionSettler(options, transactor);

/** Settles by appending the outputs, then committing offsets: outputs may repeat after a crash. */
export const createAppendSettler = (options: SettlerOptions, appender: Appender): Settler =>
  new AppendSettler(options, appender);
