import {
  addOffsetsToTxnV4,
  addPartitionsToTxnV3,
  describeTransactionsV0,
  endTxnV4,
  initProducerIdV5,
} from '@platformatic/kafka';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { messagingErrors } from '../errors.ts';
import { type Cluster, codeError, type Links } from './cluster.ts';
import { Coordinator } from './group-calls.ts';
import type { PartitionLine, ProducerIdentity } from './partition-line.ts';
import { persist } from './persist.ts';
import type { ProducerSession } from './producer.ts';
import { codes, producerFencedCodes } from './protocol-codes.ts';

export interface TransactionSessionOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly links: Links;
  readonly transactionalId: string;
  /** The coordinator aborts a transaction that is open for longer. */
  readonly transactionTimeoutMs: number;
}

const callTimeoutMs = 30_000;
/** A topic that was removed must not hold up the others for long; the producer tries again without it. */
const enrolTimeoutMs = 2_000;
const anyProducer: ProducerIdentity = { producerId: -1n, epoch: -1 };
const abortedStates = new Set(['CompleteAbort', 'PrepareAbort', 'PrepareEpochFence']);

/** One transactional id at its coordinator: who we are, which partitions the open transaction has, how it ends. */
export class TransactionSession implements ProducerSession {
  readonly transactionalId: string;
  readonly #options: TransactionSessionOptions;
  readonly #coordinator: Coordinator;
  readonly #enrolled = new Set<string>();
  /** Groups of the open transaction, with the call that adds each. */
  readonly #groups = new Map<string, Promise<void>>();
  /** Groups of the transaction before: they are added while the results still travel, not when the commit waits for it. */
  #usualGroups: readonly string[] = [];
  #identity: ProducerIdentity = anyProducer;
  #open = false;
  #failure: Error | null = null;
  #fencedBy: Error | null = null;
  #renew = false;
  /** Finds out why the coordinator no longer knows us. */
  #inquiry: Promise<Error | null> | null = null;

  constructor(options: TransactionSessionOptions) {
    this.#options = options;
    this.transactionalId = options.transactionalId;
    this.#coordinator = new Coordinator(options.cluster, options.links, 'transaction', options.transactionalId);
  }

  get identity(): ProducerIdentity {
    return this.#identity;
  }

  /** Why the open transaction can only be aborted; null while it can be committed. */
  get failure(): Error | null {
    return this.#fencedBy ?? this.#failure;
  }

  /** Why this process must end; null while it may go on. */
  get fencedBy(): Error | null {
    return this.#fencedBy;
  }

  /** Takes the id over: fences earlier owners, aborts what they left open. */
  async start(): Promise<void> {
    await this.#initialise(anyProducer);
  }

  async prepare(lines: readonly PartitionLine[]): Promise<ProducerIdentity> {
    if (this.failure !== null) throw this.failure;
    const missing = lines.filter((line) => !this.#enrolled.has(keyOf(line)));
    if (missing.length > 0) await this.#enrol(missing);
    for (const group of this.#usualGroups) {
      // Its failure is met again where the offsets are committed.
      if (!this.#groups.has(group)) this.addGroup(group).catch(() => {});
    }
    return this.#identity;
  }

  broken(identity: ProducerIdentity | null): void {
    if (identity !== this.#identity) return;
    this.#renew = true;
    this.#fail(null);
  }

  gaveUp(error: Error): void {
    this.#fail(error);
  }

  /** Makes the open transaction one that can only be aborted. */
  #fail(cause: Error | null): Error {
    this.#failure ??= messagingErrors.ABORTED({
      message: `A record of the transaction of ${this.transactionalId} was not acknowledged, so nothing of it counts. Append it again.`,
      cause,
    });
    return this.#failure;
  }

  /**
   * The coordinator no longer knows us by this epoch: either another took the id over, or our transaction was open
   * for too long and was aborted. Only the second leaves the epoch right behind ours in an aborted state; going on
   * from exactly that epoch fails when another came in between.
   */
  async fenced(identity: ProducerIdentity): Promise<Error | null> {
    if (this.#fencedBy !== null) return this.#fencedBy;
    if (identity !== this.#identity) return this.failure;
    // Calls that are refused at the same time ask once: the second answer, compared with the epoch that the first one
    // gave us, would look like another owner's.
    this.#inquiry ??= this.#inquire().finally(() => {
      this.#inquiry = null;
    });
    return await this.#inquiry;
  }

  async #inquire(): Promise<Error | null> {
    try {
      const timedOutAs = await this.#timedOutAs();
      if (timedOutAs === null) return this.#fence(null);
      this.#identity = timedOutAs;
      this.#renew = true;
      this.#open = false;
      this.#options.logger.warn({ event: 'transaction.timed.out', transactionalId: this.transactionalId });
      return this.#fail(null);
    } catch (error) {
      return this.#fence(error);
    }
  }

  /** Adds a group's offsets to the open transaction. May be called again. Throws `MESSAGING_FENCED`, `MESSAGING_UNAVAILABLE`. */
  async addGroup(group: string): Promise<void> {
    const adding = this.#groups.get(group) ?? this.#addGroup(group);
    this.#groups.set(group, adding);
    await adding;
  }

  async #addGroup(group: string): Promise<void> {
    this.#open = true;
    const doing = `adding group ${group} to the transaction of ${this.transactionalId}`;
    await this.#until(doing, async () => {
      const { producerId, epoch } = this.#identity;
      const response = await this.#coordinator.call(
        async (link) => await link.call(addOffsetsToTxnV4, this.transactionalId, producerId, epoch, group),
      );
      return response.errorCode;
    });
  }

  /** Commits or aborts what is open. Throws `MESSAGING_ABORTED` when a commit was not possible, `MESSAGING_FENCED`. */
  async end(outcome: 'commit' | 'abort'): Promise<void> {
    await Promise.allSettled(this.#groups.values());
    this.#usualGroups = [...this.#groups.keys()];
    if (this.#open) await this.#endOpen(this.failure === null ? outcome : 'abort');
    this.#enrolled.clear();
    this.#groups.clear();
    this.#open = false;
    const failure = this.failure;
    if (this.#renew && this.#fencedBy === null) await this.#initialise(this.#identity);
    this.#failure = null;
    if (outcome === 'commit' && failure !== null) throw failure;
  }

  async #endOpen(outcome: 'commit' | 'abort'): Promise<void> {
    const doing = `ending a transaction of ${this.transactionalId}`;
    try {
      await this.#until(doing, async () => {
        const { producerId, epoch } = this.#identity;
        const response = await this.#coordinator.call(
          async (link) => await link.call(endTxnV4, this.transactionalId, producerId, epoch, outcome === 'commit'),
        );
        return response.errorCode;
      });
    } catch (error) {
      if (this.failure !== null) return;
      // No answer in time: nobody can say whether it was committed. A fresh process reads the committed offsets.
      if (outcome === 'commit') throw this.#fence(error);
      this.#renew = true;
    }
  }

  async #enrol(lines: readonly PartitionLine[]): Promise<void> {
    this.#open = true;
    const topics = [...Map.groupBy(lines, (line) => line.topic.name)].map(([name, group]) => ({
      name,
      partitions: group.map((line) => line.partition),
    }));
    const doing = `adding partitions to the transaction of ${this.transactionalId}`;
    await this.#until(
      doing,
      async () => {
        const { producerId, epoch: producerEpoch } = this.#identity;
        const { transactionalId } = this;
        const ask = [{ transactionalId, producerId, producerEpoch, verifyOnly: false, topics }];
        const response = await this.#coordinator.call(async (link) => await link.call(addPartitionsToTxnV3, ask));
        const results = response.resultsByTransaction.flatMap((each) => each.topicResults);
        const given = results.flatMap((topic) => topic.resultsByPartition.map((each) => each.partitionErrorCode));
        return given.find((code) => code !== 0 && code !== codes.operationNotAttempted) ?? 0;
      },
      enrolTimeoutMs,
    );
    for (const line of lines) this.#enrolled.add(keyOf(line));
  }

  /** Repeats a call while the coordinator is away or still busy with the transaction before. */
  async #until(doing: string, call: () => Promise<number>, timeoutMs = callTimeoutMs): Promise<void> {
    const { clock } = this.#options;
    await persist({ clock, timeoutMs, firstDelayMs: 1 }, async () => {
      const identity = this.#identity;
      const code = await this.#settled(call);
      if (code === 0) return;
      this.#coordinator.retryOn(code, doing);
      if (code === codes.unknownTopicOrPartition) throw codeError(code, doing);
      if (producerFencedCodes.has(code)) throw (await this.fenced(identity)) ?? this.#fail(null);
      if (code === codes.invalidTxnState || code === codes.invalidProducerIdMapping) {
        this.#renew = true;
        throw this.#fail(codeError(code, doing));
      }
      const refused = codeError(code, doing);
      this.#fail(refused);
      throw refused;
    });
  }

  /** Right after a commit the coordinator is busy for a few milliseconds. */
  async #settled(call: () => Promise<number>): Promise<number> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + callTimeoutMs;
    for (;;) {
      const code = await call();
      if (code !== codes.concurrentTransactions || clock.monotonicMs() > endMs) return code;
      await new Promise<void>((resolve) => {
        clock.after(1, resolve);
      });
    }
  }

  async #initialise(as: ProducerIdentity): Promise<void> {
    const { transactionTimeoutMs } = this.#options;
    const doing = `taking over the transactional id ${this.transactionalId}`;
    let got = as;
    await this.#until(doing, async () => {
      const response = await this.#coordinator.call(
        async (link) =>
          await link.call(initProducerIdV5, this.transactionalId, transactionTimeoutMs, as.producerId, as.epoch),
      );
      got = { producerId: response.producerId, epoch: response.producerEpoch };
      return response.errorCode;
    });
    this.#identity = got;
    this.#renew = false;
  }

  async #timedOutAs(): Promise<ProducerIdentity | null> {
    const { clock } = this.#options;
    const [state] = await persist({ clock, timeoutMs: callTimeoutMs }, async () => {
      const response = await this.#coordinator.call(
        async (link) => await link.call(describeTransactionsV0, [this.transactionalId]),
      );
      this.#coordinator.retryOn(response.transactionStates[0]?.errorCode ?? 0, 'describing a transaction');
      return response.transactionStates;
    });
    if (state === undefined || state.errorCode !== 0 || state.producerId !== this.#identity.producerId) return null;
    if (state.producerEpoch !== this.#identity.epoch + 1 || !abortedStates.has(state.transactionState)) return null;
    return { producerId: state.producerId, epoch: state.producerEpoch };
  }

  #fence(cause: unknown): Error {
    this.#fencedBy ??= messagingErrors.FENCED({
      message: `The transactional id ${this.transactionalId} is another process's now, or the outcome of the last commit is unknown. This process must end.`,
      cause,
    });
    return this.#fencedBy;
  }
}

const keyOf = (line: PartitionLine): string => `${line.topic.name}/${line.partition}`;
