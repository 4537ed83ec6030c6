import { limits } from '../../kernel/limits.ts';
import { AppendBudget } from '../batcher.ts';
import { messagingErrors } from '../errors.ts';
import { partitionOfKey } from '../kafka/key-partition.ts';
import type { OutRecord, Place } from '../messaging.ts';
import type { MemoryBroker } from './broker.ts';
import type { MemoryLog, MemoryTransaction } from './log.ts';
import type { MemoryNetwork } from './network.ts';

interface Waiting {
  readonly record: OutRecord;
  readonly partition: number;
  resolve(place: Place): void;
  reject(error: unknown): void;
}

/** Where appends go: an open transaction, or null for none. Called at the broker for each request. */
export type TransactionOf = () => (MemoryTransaction & { readonly logs: Set<MemoryLog> }) | null;

const sizeOf = (record: OutRecord): number =>
  (record.key?.length ?? 0) +
  (record.value?.length ?? 0) +
  record.headers.reduce((sum, [, value]) => sum + value.length, 0);

/** Sends records with one request in flight; what is given meanwhile goes out together, in order. */
export class MemoryProducer {
  readonly #broker: MemoryBroker;
  readonly #network: MemoryNetwork;
  readonly #transactionOf: TransactionOf;
  readonly #budget = new AppendBudget();
  #queue: Waiting[] = [];
  #sending: Promise<void> | null = null;
  #held: boolean;
  #used = false;
  #failed = false;

  constructor(broker: MemoryBroker, network: MemoryNetwork, options: { transactionOf: TransactionOf; held: boolean }) {
    this.#broker = broker;
    this.#network = network;
    this.#transactionOf = options.transactionOf;
    this.#held = options.held;
  }

  /** True once anything was given. */
  get used(): boolean {
    return this.#used;
  }

  /** True once an append failed that may have reached the log. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Sends what was held back. */
  start(): void {
    this.#held = false;
    this.#send();
  }

  async append(record: OutRecord): Promise<Place> {
    const sizeBytes = sizeOf(record);
    if (sizeBytes > limits.batchBytes) throw tooLarge(record, sizeBytes);
    if (record.topic.ofAccount === true && this.#broker.logs(record.topic.name).length === 0) throw missing(record);
    if (!this.#budget.take(sizeBytes)) throw queueFull();
    this.#used = true;
    try {
      return await new Promise<Place>((resolve, reject) => {
        this.#queue.push({ record, partition: this.#partitionOf(record), resolve, reject });
        this.#send();
      });
    } catch (error) {
      this.#failed = true;
      throw error;
    } finally {
      this.#budget.give(sizeBytes);
    }
  }

  /** Resolves when everything given so far was answered. */
  async idle(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  #send(): void {
    if (this.#held || this.#sending !== null || this.#queue.length === 0) return;
    this.#sending = this.#sendOnce().then(() => {
      this.#sending = null;
      this.#send();
    });
  }

  async #sendOnce(): Promise<void> {
    // What is given in the same turn goes out together.
    await Promise.resolve();
    const batch = this.#queue;
    this.#queue = [];
    try {
      const places = await this.#network.call('produce', () => this.#appendAll(batch));
      for (const [at, waiting] of batch.entries()) {
        const place = places[at];
        if (place !== undefined) waiting.resolve(place);
      }
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }

  #appendAll(batch: readonly Waiting[]): Place[] {
    const transaction = this.#transactionOf();
    return batch.map(({ record, partition }) => {
      const log = this.#broker.log(record.topic.name, partition);
      transaction?.logs.add(log);
      return { partition, offset: BigInt(log.append(record, this.#broker.clock.nowMs(), transaction)) };
    });
  }

  #partitionOf(record: OutRecord): number {
    const partitions = this.#broker.logs(record.topic.name).length;
    if (record.partition !== undefined || partitions === 0) return record.partition ?? 0;
    return record.key === null ? this.#broker.nextNumber() % partitions : partitionOfKey(record.key, partitions);
  }
}

const tooLarge = (record: OutRecord, sizeBytes: number) =>
  messagingErrors.TOO_LARGE({
    message: `A record for '${record.topic.name}' has ${sizeBytes} bytes; ${limits.batchBytes} are the most. Store the body as a blob and send a reference.`,
  });

const missing = (record: OutRecord) =>
  messagingErrors.TOPIC_MISMATCH({
    message: `Topic '${record.topic.name}' does not exist. Give the account its topics.`,
  });

const queueFull = () =>
  messagingErrors.QUEUE_FULL({
    message: `${limits.appendQueueRecords} records or ${limits.appendQueueBytes} bytes wait in this appender. Try again later.`,
  });
