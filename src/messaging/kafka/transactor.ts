import { txnOffsetCommitV4 } from '@platformatic/kafka';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import { messagingErrors } from '../errors.ts';
import type { GroupOffsets, OutRecord, Place, Transactor } from '../messaging.ts';
import { asError, queueFull } from './append-errors.ts';
import { codeError, type Links } from './cluster.ts';
import { commitError, firstCode } from './group-calls.ts';
import { KafkaMembership } from './membership.ts';
import { persist } from './persist.ts';
import type { Producer } from './producer.ts';
import { codes, producerFencedCodes } from './protocol-codes.ts';
import type { TransactionSession } from './transaction-session.ts';

export interface TransactorParts {
  readonly producer: Producer;
  readonly session: TransactionSession;
  readonly links: Links;
  readonly clock: Clock;
  readonly onClosed: (transactor: KafkaTransactor) => void;
}

interface Later {
  readonly record: OutRecord;
  readonly resolve: (place: Promise<Place>) => void;
}

const offsetsTimeoutMs = 10_000;

/** The port's transactor: appends go out at once; a commit waits for them, adds the offsets and ends the transaction. */
export class KafkaTransactor implements Transactor {
  readonly #parts: TransactorParts;
  #ending: Promise<void> | null = null;
  #later: Later[] = [];
  #closing: Promise<void> | null = null;

  constructor(parts: TransactorParts) {
    this.#parts = parts;
  }

  append(record: OutRecord): Promise<Place> {
    if (this.#closing !== null) return Promise.reject(closed());
    if (this.#ending === null) return this.#appendNow(record);
    if (this.#later.length >= limits.appendQueueRecords) return Promise.reject(queueFull());
    return new Promise<Place>((resolve) => {
      this.#later.push({ record, resolve });
    });
  }

  async commit(offsets: readonly GroupOffsets[]): Promise<void> {
    await this.#end(async () => {
      const { producer, session } = this.#parts;
      const given = offsets.filter((group) => group.offsets.length > 0);
      const [refusal] = await Promise.all([this.#commitAll(given), producer.drained()]);
      if (refusal !== null && session.failure === null) session.gaveUp(refusal);
      await session.end('commit');
    });
  }

  async abort(): Promise<void> {
    await this.#end(async () => {
      await this.#abortNow('The transaction was aborted before this record was sent. Append it again.');
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  #appendNow(record: OutRecord): Promise<Place> {
    const { failure } = this.#parts.session;
    return failure === null ? this.#parts.producer.append(record) : Promise.reject(failure);
  }

  /** One end at a time; what is appended meanwhile belongs to the next transaction. */
  async #end(run: () => Promise<void>): Promise<void> {
    while (this.#ending !== null) await this.#ending.catch(() => {});
    const { fencedBy } = this.#parts.session;
    if (fencedBy !== null) throw fencedBy;
    if (this.#closing !== null) throw closed();
    await this.#endNow(run);
  }

  async #endNow(run: () => Promise<void>): Promise<void> {
    const ending = run();
    this.#ending = ending;
    try {
      await ending;
    } finally {
      this.#ending = null;
      const { producer, session } = this.#parts;
      if (session.fencedBy !== null) producer.fail(session.fencedBy);
      const later = this.#later;
      this.#later = [];
      for (const { record, resolve } of later) resolve(this.#appendNow(record));
    }
  }

  async #abortNow(message: string): Promise<void> {
    const { producer, session } = this.#parts;
    producer.discard(messagingErrors.ABORTED({ message }));
    await producer.drained();
    await session.end('abort');
  }

  /** Adds all offsets to the transaction; the error that forbids the commit, or null. Never rejects. */
  async #commitAll(groups: readonly GroupOffsets[]): Promise<Error | null> {
    try {
      for (const group of groups) await this.#commitGroup(group);
      return null;
    } catch (error) {
      return asError(error);
    }
  }

  async #commitGroup({ membership, offsets }: GroupOffsets): Promise<void> {
    if (!(membership instanceof KafkaMembership)) throw new Error('The membership is not one of this driver.');
    const { session, clock } = this.#parts;
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
    const { producer, session, links, onClosed } = this.#parts;
    if (session.fencedBy === null) {
      await this.#endNow(async () => {
        await this.#abortNow('The transactor was closed before this record was committed.');
      }).catch(() => {});
    }
    producer.fail(closed());
    await links.close();
    onClosed(this);
  }
}

const closed = (): Error => messagingErrors.CLOSED({ message: 'This transactor was closed; open another one.' });
