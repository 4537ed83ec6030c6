import { txnOffsetCommitV4 } from '@platformatic/kafka';
import type { Clock } from '../../kernel/clock.ts';
import { appendBySink } from '../append.ts';
import { messagingErrors } from '../errors.ts';
import type { AppendSink, GroupOffsets, OutRecord, Place, Transactor } from '../messaging.ts';
import { asError } from './append-errors.ts';
import { codeError, type Links } from './cluster.ts';
import { commitError, firstCode } from './group-calls.ts';
import { KafkaMembership } from './membership.ts';
import { persist } from './persist.ts';
import type { Producer } from './producer.ts';
import { codes, producerFencedCodes } from './protocol-codes.ts';
import type { TransactionSession } from './transaction-session.ts';

/** One of the two producers of a transactor: while the transaction of one ends, the other takes what is appended. */
export interface Side {
  readonly producer: Producer;
  readonly session: TransactionSession;
}

export interface TransactorParts {
  readonly sides: readonly [Side, Side];
  readonly links: Links;
  readonly clock: Clock;
  readonly onClosed: (transactor: KafkaTransactor) => void;
}

const offsetsTimeoutMs = 10_000;

/**
 * The port's transactor: appends go out at once; a commit waits for those given before it, adds the offsets and ends
 * their transaction. Ending takes five milliseconds and more (offsets, the decision, the markers that the next
 * transaction of the same producer has to wait for), so two producers take turns and nothing is held up meanwhile.
 */
export class KafkaTransactor implements Transactor {
  readonly #parts: TransactorParts;
  /** Takes what is appended now. */
  #open: Side;
  /** Has nothing open, or is ending what it had. */
  #other: Side;
  #ending: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: TransactorParts) {
    this.#parts = parts;
    [this.#open, this.#other] = parts.sides;
  }

  async append(record: OutRecord): Promise<Place> {
    return await appendBySink(this, record);
  }

  send(record: OutRecord, sink: AppendSink): void {
    const { producer, session } = this.#open;
    const failure = this.#closing === null ? session.failure : closed();
    if (failure === null) producer.send(record, sink);
    else sink.failed(failure, record);
  }

  async commit(offsets: readonly GroupOffsets[]): Promise<void> {
    const given = offsets.filter((group) => group.offsets.length > 0);
    await this.#end(async ({ producer, session }) => {
      const [refusal] = await Promise.all([this.#commitAll(session, given), producer.drained()]);
      if (refusal !== null && session.failure === null) session.gaveUp(refusal);
      await session.end('commit');
    });
  }

  async abort(): Promise<void> {
    await this.#end(async (side) => {
      await abortNow(side, 'The transaction was aborted before this record was sent. Append it again.');
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  #fencedBy(): Error | null {
    return this.#open.session.fencedBy ?? this.#other.session.fencedBy;
  }

  /** One end at a time; what is appended meanwhile belongs to the next transaction, which the other side begins. */
  async #end(run: (side: Side) => Promise<void>): Promise<void> {
    while (this.#ending !== null) await this.#ending.catch(() => {});
    const fencedBy = this.#fencedBy();
    if (fencedBy !== null) throw fencedBy;
    if (this.#closing !== null) throw closed();
    await this.#endNow(run);
  }

  async #endNow(run: (side: Side) => Promise<void>): Promise<void> {
    const side = this.#open;
    this.#open = this.#other;
    this.#other = side;
    const ending = run(side);
    this.#ending = ending;
    try {
      await ending;
    } finally {
      this.#ending = null;
      const fencedBy = this.#fencedBy();
      if (fencedBy !== null) for (const { producer } of this.#parts.sides) producer.fail(fencedBy);
    }
  }

  /** Adds all offsets to the transaction; the error that forbids the commit, or null. Never rejects. */
  async #commitAll(session: TransactionSession, groups: readonly GroupOffsets[]): Promise<Error | null> {
    try {
      for (const group of groups) await this.#commitGroup(session, group);
      return null;
    } catch (error) {
      return asError(error);
    }
  }

  async #commitGroup(session: TransactionSession, { membership, offsets }: GroupOffsets): Promise<void> {
    if (!(membership instanceof KafkaMembership)) throw new Error('The membership is not one of this driver.');
    const { clock } = this.#parts;
    await membership.holding(offsets, async () => {
      await session.addGroup(membership.group);
      await persist({ clock, timeoutMs: offsetsTimeoutMs, firstDelayMs: 2 }, async () => {
        const topics = membership.toTopics(offsets);
        const { identity, transactionalId } = session;
        const { coordinator, group, memberId, memberEpoch } = membership;
        const as = [transactionalId, group, identity.producerId, identity.epoch, memberEpoch, memberId] as const;
        const response = await coordinator.call(
          async (link) => await link.call(txnOffsetCommitV4, ...as, null, topics),
        );
        const code = firstCode(response.topics);
        if (code === 0) return;
        const doing = `committing offsets of group ${group} in a transaction`;
        coordinator.retryOn(code, doing);
        if (code === codes.concurrentTransactions || code === codes.staleMemberEpoch) throw codeError(code, doing);
        if (producerFencedCodes.has(code)) throw (await session.fenced(identity)) ?? codeError(code, doing);
        throw commitError(code, group);
      });
    });
  }

  async #close(): Promise<void> {
    while (this.#ending !== null) await this.#ending.catch(() => {});
    const { sides, links, onClosed } = this.#parts;
    for (const side of sides) {
      if (this.#fencedBy() !== null) break;
      await abortNow(side, 'The transactor was closed before this record was committed.').catch(() => {});
    }
    for (const { producer } of sides) producer.fail(closed());
    await links.close();
    onClosed(this);
  }
}

const abortNow = async ({ producer, session }: Side, message: string): Promise<void> => {
  producer.discard(messagingErrors.ABORTED({ message }));
  await producer.drained();
  await session.end('abort');
};

const closed = (): Error => messagingErrors.CLOSED({ message: 'This transactor was closed; open another one.' });
