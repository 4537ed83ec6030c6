import type { Clock } from '../kernel/clock.ts';
import type { Command } from '../kernel/contracts/contracts.gen.ts';
import { asPlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Assignment, GroupOffsets, InRecord, Membership, Messaging, Transactor } from '../messaging/messaging.ts';
import { type Batch, decideBatch } from './batch.ts';
import { type BootstrapOptions, bootstrapCommands } from './bootstrap.ts';
import { controlErrors } from './errors.ts';
import { loadState } from './load-state.ts';
import { createOutcomeMemory, type OutcomeLimits, type OutcomeMemory, outcomeLimits } from './outcomes.ts';
import type { ControlState } from './state.ts';

/** What the writer did, for metrics. */
export interface WriterObserver {
  committed(batch: { readonly commands: number; readonly refused: number; readonly durationMs: number }): void;
}

export interface WriterOptions extends BootstrapOptions {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: WriterObserver;
  /** A transaction failed, another writer took over, or reading ended: the process must end, its state is void. */
  onFailed(error: Error): void;
  /** Put before the writer's id and group, so that several installations share a cluster. Default: nothing. */
  readonly idPrefix?: string;
  /** Default: {@link outcomeLimits}. */
  readonly outcomeLimits?: OutcomeLimits;
}

/** The only writer of entities. */
export interface Writer {
  /** Fences the writer before it, reads the state to the end, writes what the configuration wants, then takes commands. */
  start(): Promise<void>;
  /** Finishes the batch in work and leaves. May be called twice. */
  stop(): Promise<void>;
}

/** Id of the transactional producer and of the group: one for the whole platform, which makes the writer single. */
const writerId = ({ idPrefix = '' }: WriterOptions): string => `${idPrefix}control`;
/** Commands decided in one transaction at most. */
const batchMax = 200;

/** What the writer has once it is started. */
interface Opened {
  readonly transactor: Transactor;
  readonly state: ControlState;
  readonly outcomes: OutcomeMemory;
}

const decodeCommands = ({ codec, logger }: WriterOptions, records: readonly InRecord[]): readonly Command[] =>
  records.flatMap((record) => {
    try {
      return [codec.decode('command', record)];
    } catch (error) {
      const { code, message } = asPlatformError(error);
      logger.error({ event: 'command.skipped', offset: record.offset.toString(), code, message });
      return [];
    }
  });

/** One transaction: entities, outcomes, audit, what is published, and the offsets of the commands. Memory follows the commit. */
const commitBatch = async (opened: Opened, batch: Batch, offsets: readonly GroupOffsets[]): Promise<void> => {
  const appended = batch.records.map(async (record) => await opened.transactor.append(record));
  await Promise.all(appended);
  await opened.transactor.commit(offsets);
  opened.state.commit(batch.changes);
  opened.outcomes.commit(batch);
};

const open = async (options: WriterOptions): Promise<Opened> => {
  const transactor = await options.messaging.transactor({ transactionalId: writerId(options) });
  try {
    const { state, outcomes } = await loadState(options);
    return { transactor, state, outcomes: createOutcomeMemory(outcomes, options.outcomeLimits ?? outcomeLimits) };
  } catch (error) {
    await transactor.close();
    throw error;
  }
};

/** Decides batches of commands and commits them, until one fails. */
interface Loop {
  /** Carries out the commands of these records, in transactions with their offsets. Never rejects: a failure is told once. */
  take(assignment: Assignment, records: readonly InRecord[]): Promise<void>;
  /** Carries out commands that came from no log. */
  carryOut(commands: readonly Command[], offsets: readonly GroupOffsets[]): Promise<void>;
  fail(cause: unknown): void;
}

const createLoop = (options: WriterOptions, opened: Opened, membership: () => Membership | undefined): Loop => {
  const { clock, logger, observer } = options;
  let failed = false;

  const fail = (cause: unknown): void => {
    if (failed) return;
    failed = true;
    const { code, message } = asPlatformError(cause);
    options.onFailed(controlErrors.COMMIT_FAILED({ message: `The writer ends: ${message}`, details: { code }, cause }));
  };

  const carryOut = async (commands: readonly Command[], offsets: readonly GroupOffsets[]): Promise<void> => {
    const startedMs = clock.monotonicMs();
    const batch = decideBatch({ ...opened, codec: options.codec, logger, commands, nowMs: clock.nowMs() });
    await commitBatch(opened, batch, offsets);
    const durationMs = clock.monotonicMs() - startedMs;
    observer.committed({ commands: commands.length, refused: batch.refused, durationMs });
    logger.debug({ event: 'commands.committed', commands: commands.length, refused: batch.refused, durationMs });
  };

  const take = async (assignment: Assignment, records: readonly InRecord[]): Promise<void> => {
    try {
      for (let from = 0; from < records.length; from += batchMax) {
        const some = records.slice(from, from + batchMax);
        const last = some.at(-1);
        const member = membership();
        if (failed || last === undefined || member === undefined) return;
        const offsets = [{ assignment, offset: last.offset + 1n, metadata: '' }];
        await carryOut(decodeCommands(options, some), [{ membership: member, offsets }]);
      }
    } catch (error) {
      fail(error);
    }
  };
  return { take, carryOut, fail };
};

const joinCommands = async (options: WriterOptions, loop: Loop, joined: Promise<unknown>): Promise<Membership> => {
  let working: Promise<void> = Promise.resolve();
  return await options.messaging.join({
    group: writerId(options),
    topics: [topics.commands],
    isolation: 'committed',
    // The partition may be ours before `join` resolves: its records wait until the membership is known. It may come
    // back after it was lost: they wait until the batch of then has failed, or is known to memory.
    onAssigned: async () => {
      await joined;
      await working;
    },
    onRecords: async (assignment, records) => {
      working = loop.take(assignment, records);
      await working;
    },
    onRevoked: async () => {
      await working;
    },
    onLost: () => {},
    onFailed: (error) => {
      loop.fail(error);
    },
  });
};

/** Makes the writer; nothing happens before {@link Writer.start}. */
export const createWriter = (options: WriterOptions): Writer => {
  const { clock, random, logger } = options;
  let transactor: Transactor | undefined;
  let membership: Membership | undefined;

  return {
    start: async () => {
      const opened = await open(options);
      transactor = opened.transactor;
      const loop = createLoop(options, opened, () => membership);
      const context = { nowMs: clock.nowMs(), uuid: () => random.uuid() };
      const wanted = bootstrapCommands(opened.state, options, context);
      if (wanted.length > 0) await loop.carryOut(wanted, []);
      const joined = Promise.withResolvers<undefined>();
      membership = await joinCommands(options, loop, joined.promise);
      joined.resolve(undefined);
      logger.info({ event: 'control.started' });
    },
    stop: async () => {
      await membership?.close();
      await transactor?.close();
    },
  };
};
