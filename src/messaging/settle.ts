import { type Clock, sleep } from '../kernel/clock.ts';
import { PlatformError } from '../kernel/errors.ts';
import { type CommitAttempt, createCommitLoop } from './commit-loop.ts';
import type { Appender, Assignment, Membership, OutRecord, PartitionOffset, Transactor } from './messaging.ts';
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
  /** Ends without another commit, closing what publishes. Call after the membership was closed. */
  close(): Promise<void>;
}

export interface SettlerOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  /** Known before the first partition is assigned. */
  membership(): Membership;
  /** The process must end. Called at most once. */
  onFailed(error: Error): void;
}

/** Outputs on their way to the log. */
interface Entry {
  readonly partition: SettledPartition;
  readonly taken: Taken;
  readonly outputs: readonly OutRecord[];
  resolve(settlement: Settlement): void;
  reject(error: Error): void;
  /** Outputs that the broker has not answered yet, in the present try. */
  unanswered: number;
  /** True once {@link resolve} or {@link reject} was called. */
  answered: boolean;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof PlatformError && codes.includes(error.code);
/** Failures of an append after which trying it again is of use. */
const isPassing = (error: unknown): boolean =>
  hasCode(error, 'MESSAGING_UNAVAILABLE', 'MESSAGING_QUEUE_FULL', 'MESSAGING_ABORTED', 'MESSAGING_ASSIGNMENT_ENDED');

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

/** What both ways of settling do alike: entries that wait, and the failure that ends them all. */
const createFailure = (onFailed: (error: Error) => void) => {
  let failed: Error | null = null;
  return {
    get error(): Error | null {
      return failed;
    },
    fail: (error: unknown): void => {
      if (failed !== null) return;
      failed = asError(error);
      onFailed(failed);
    },
  };
};

/**
 * Settles in transactions of the `transactor`: the outputs of the records that finished since the last one, with the
 * offsets that count them as finished. What is settled while a transaction ends waits for the next, so it is always
 * known which outputs a transaction holds. An aborted one's outputs are appended again, not made again.
 */
export const createTransactionSettler = (options: SettlerOptions & { readonly transactor: Transactor }): Settler => {
  const { transactor } = options;
  /** In the open transaction. */
  let batch: Entry[] = [];
  /** Settled while a transaction ends. */
  let held: Entry[] = [];
  let ending = false;
  /** An append of the open transaction failed: it must not be committed. */
  let spoiled = false;
  let unanswered = 0;
  let onAllAnswered: (() => void) | null = null;

  const failure = createFailure((error) => {
    for (const entry of [...batch, ...held]) refuse(entry, error);
    batch = [];
    held = [];
    options.onFailed(error);
  });

  const onAnswered = (entry: Entry): void => {
    entry.unanswered -= 1;
    unanswered -= 1;
    if (entry.unanswered === 0 && !spoiled) answer(entry, 'settled');
    if (unanswered === 0) onAllAnswered?.();
  };

  const onRefused = (error: unknown): void => {
    unanswered -= 1;
    spoiled = true;
    if (!isPassing(error)) failure.fail(error);
    if (unanswered === 0) onAllAnswered?.();
  };

  const publish = (entry: Entry): void => {
    if (entry.partition.over) {
      answer(entry, 'released');
      return;
    }
    batch.push(entry);
    entry.partition.finish(entry.taken);
    loop.touch(entry.partition);
    entry.unanswered = entry.outputs.length;
    unanswered += entry.outputs.length;
    if (entry.outputs.length === 0) answer(entry, 'settled');
    for (const output of entry.outputs) transactor.append(output).then(() => onAnswered(entry), onRefused);
  };

  const allAnswered = async (): Promise<void> => {
    if (unanswered === 0) return;
    await new Promise<void>((resolve) => {
      onAllAnswered = resolve;
    });
    onAllAnswered = null;
  };

  /** Ends the open transaction: committed with the offsets of the partitions, or aborted. */
  const endTransaction = async (partitions: readonly SettledPartition[]): Promise<CommitAttempt> => {
    if (spoiled || batch.some((entry) => entry.partition.over)) {
      await transactor.abort();
      return spoiled ? 'later' : 'again';
    }
    const offsets = partitions.filter((each) => !each.over).map((each) => each.snapshot());
    try {
      await transactor.commit(offsets.length === 0 ? [] : [{ membership: options.membership(), offsets }]);
      return 'committed';
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (!hasCode(error, 'MESSAGING_ABORTED')) await transactor.abort();
      return 'later';
    }
  };

  const publishAll = (entries: readonly Entry[]): void => {
    const waiting = [...entries, ...held];
    held = [];
    for (const entry of waiting) publish(entry);
  };

  const attempt = async (partitions: readonly SettledPartition[]): Promise<CommitAttempt> => {
    if (failure.error !== null) return 'committed';
    ending = true;
    try {
      await allAnswered();
      const given = batch;
      const end = await endTransaction(partitions);
      batch = [];
      spoiled = false;
      ending = false;
      publishAll(end === 'committed' ? [] : given);
      return end;
    } catch (error) {
      failure.fail(error);
      return 'committed';
    }
  };

  const loop = createCommitLoop<SettledPartition>({ clock: options.clock, everyMs: options.everyMs, attempt });

  return {
    settle: async (partition, taken, outputs) =>
      await new Promise<Settlement>((resolve, reject) => {
        const entry: Entry = { partition, taken, outputs, resolve, reject, unanswered: 0, answered: false };
        if (failure.error !== null) refuse(entry, failure.error);
        else if (ending) held.push(entry);
        else publish(entry);
      }),
    commitNow: async (partition) => {
      await loop.flush(partition);
    },
    close: async () => {
      await loop.stop();
      await transactor.close();
    },
  };
};

/** Settles by appending the outputs and committing the offsets of records whose outputs were acknowledged. */
export const createAppendSettler = (options: SettlerOptions & { readonly appender: Appender }): Settler => {
  const { appender, clock } = options;
  const failure = createFailure(options.onFailed);

  const publish = async (partition: SettledPartition, outputs: readonly OutRecord[]): Promise<Settlement> => {
    let left = outputs;
    for (let tries = 0; ; tries += 1) {
      if (failure.error !== null) throw failure.error;
      if (partition.over) return 'released';
      left = await appendAll(left);
      if (left.length === 0) return 'settled';
      await sleep(clock, Math.min(5_000, 100 * 2 ** Math.min(tries, 6)));
    }
  };

  /** Appends in order; gives back those that failed in passing. */
  const appendAll = async (outputs: readonly OutRecord[]): Promise<readonly OutRecord[]> => {
    const ends = await Promise.allSettled(outputs.map(async (output) => await appender.append(output)));
    return outputs.filter((_, at) => {
      const end = ends[at];
      if (end?.status !== 'rejected') return false;
      if (isPassing(end.reason)) return true;
      throw asError(end.reason);
    });
  };

  const attempt = async (partitions: readonly SettledPartition[]): Promise<CommitAttempt> => {
    const offsets = partitions.filter((each) => !each.over).map((each) => each.snapshot());
    if (failure.error !== null || offsets.length === 0) return 'committed';
    try {
      await options.membership().commit(offsets);
      return 'committed';
    } catch (error) {
      if (isPassing(error)) return 'later';
      failure.fail(error);
      return 'committed';
    }
  };

  const loop = createCommitLoop<SettledPartition>({ clock, everyMs: options.everyMs, attempt });

  return {
    settle: async (partition, taken, outputs) => {
      try {
        const settlement = await publish(partition, outputs);
        if (settlement === 'settled' && !partition.over) {
          partition.finish(taken);
          loop.touch(partition);
        }
        partition.leave();
        return settlement;
      } catch (error) {
        failure.fail(error);
        throw error;
      }
    },
    commitNow: async (partition) => {
      await loop.flush(partition);
    },
    close: async () => {
      await loop.stop();
      await appender.close();
    },
  };
};
