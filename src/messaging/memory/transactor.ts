import { PlatformError } from '../../kernel/errors.ts';
import { tellSink } from '../append.ts';
import { messagingErrors } from '../errors.ts';
import type { AppendSink, GroupOffsets, OutRecord, Place, Transactor } from '../messaging.ts';
import type { MemoryBroker } from './broker.ts';
import type { MemoryNetwork } from './network.ts';
import { MemoryProducer } from './producer.ts';

/** One transactional producer; each transaction has its own queue, so that none can leak into the next. */
export class MemoryTransactor implements Transactor {
  readonly #broker: MemoryBroker;
  readonly #network: MemoryNetwork;
  readonly #id: string;
  readonly #epoch: number;
  #producer: MemoryProducer;
  #closed = false;

  constructor(broker: MemoryBroker, network: MemoryNetwork, producer: { readonly id: string; readonly epoch: number }) {
    this.#broker = broker;
    this.#network = network;
    this.#id = producer.id;
    this.#epoch = producer.epoch;
    this.#producer = this.#newProducer(false);
  }

  async append(record: OutRecord): Promise<Place> {
    if (this.#closed) throw messagingErrors.CLOSED({ message: `The transactor '${this.#id}' is closed.` });
    return await this.#producer.append(record);
  }

  send(record: OutRecord, sink: AppendSink): void {
    tellSink(this.append(record), record, sink);
  }

  async commit(offsets: readonly GroupOffsets[]): Promise<void> {
    await this.#end(async (producer) => {
      if (!producer.used && offsets.every((each) => each.offsets.length === 0)) return;
      if (producer.failed) await this.#abortAndThrow('an append failed', null);
      try {
        for (const each of offsets) await this.#addOffsets(each);
        await this.#network.insist('end-transaction', () => {
          this.#broker.transactions.end(this.#id, this.#epoch, 'committed');
        });
      } catch (error) {
        if (!(error instanceof PlatformError) || error.code === 'MESSAGING_FENCED') throw error;
        await this.#abortAndThrow(error.message, error);
      }
    });
  }

  async abort(): Promise<void> {
    await this.#end(async (producer) => {
      if (producer.used) await this.#abortNow();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.abort();
    } catch (error) {
      // Whoever fenced this producer aborted its transaction.
      if (!(error instanceof PlatformError && error.code === 'MESSAGING_FENCED')) throw error;
    }
  }

  /** Runs `end` on the present transaction while appends gather for the next one. */
  async #end(end: (producer: MemoryProducer) => Promise<void>): Promise<void> {
    const producer = this.#producer;
    const next = this.#newProducer(true);
    this.#producer = next;
    try {
      await producer.idle();
      await end(producer);
    } finally {
      next.start();
    }
  }

  async #addOffsets(each: GroupOffsets): Promise<void> {
    const { membership, offsets } = each;
    await this.#network.insist('transaction-offsets', () => {
      const group = this.#broker.group(membership.group);
      const ended = offsets.find(({ assignment }) => assignment.state === 'ended');
      if (ended !== undefined || !group.has(membership.memberId)) {
        throw messagingErrors.ASSIGNMENT_ENDED({
          message: `Offsets of group '${membership.group}' cannot be committed: the partition or the membership was lost.`,
        });
      }
      const transaction = this.#broker.transactions.begin(this.#id, this.#epoch);
      for (const { assignment, offset, metadata } of offsets) {
        const log = this.#broker.log(assignment.topic, assignment.partition);
        transaction.offsets.push({ group, recorded: group.record(log, { offset, metadata }) });
      }
    });
  }

  async #abortNow(): Promise<void> {
    await this.#network.insist('end-transaction', () => {
      this.#broker.transactions.end(this.#id, this.#epoch, 'aborted');
    });
  }

  async #abortAndThrow(reason: string, cause: unknown): Promise<never> {
    await this.#abortNow();
    throw messagingErrors.ABORTED({
      message: `The transaction of '${this.#id}' was aborted: ${reason}. Append its records again.`,
      cause,
    });
  }

  #newProducer(held: boolean): MemoryProducer {
    return new MemoryProducer(this.#broker, this.#network, {
      held,
      transactionOf: () => this.#broker.transactions.begin(this.#id, this.#epoch),
    });
  }
}
