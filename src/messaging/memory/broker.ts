import type { Clock } from '../../kernel/clock.ts';
import type { Topic } from '../../kernel/topics.ts';
import { messagingErrors } from '../errors.ts';
import type { Grant, OutRecord, TopicMismatch } from '../messaging.ts';
import { MemoryGroup } from './group.ts';
import { MemoryLog } from './log.ts';
import { MemoryTransactions } from './transactions.ts';

export interface MemoryBrokerOptions {
  readonly clock: Clock;
  /** How long a dead process stays a member. Default 3,000, as on the embedded broker. */
  readonly sessionMs?: number;
  /** How long a transaction may stay open. Default 5,000. */
  readonly transactionTimeoutMs?: number;
}

interface MemoryTopic {
  readonly declared: Topic;
  readonly logs: readonly MemoryLog[];
}

/**
 * A log in memory that several `Messaging` instances (as many processes) share. It keeps everything; retention and
 * compaction are not modelled.
 */
export class MemoryBroker {
  readonly clock: Clock;
  readonly sessionMs: number;
  readonly transactions: MemoryTransactions;
  readonly principals = new Map<string, { readonly password: string; readonly grants: readonly Grant[] }>();
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, MemoryGroup>();
  #lastNumber = 0;

  constructor(options: MemoryBrokerOptions) {
    this.clock = options.clock;
    this.sessionMs = options.sessionMs ?? 3_000;
    this.transactions = new MemoryTransactions(options.clock, options.transactionTimeoutMs ?? 5_000);
  }

  /** A number that was never given before: member ids, generations, keyless records. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** Makes the topic when it is missing; tells what differs when it exists. */
  ensureTopic(topic: Topic): TopicMismatch[] {
    const existing = this.#topics.get(topic.name);
    if (existing === undefined) {
      const logs = Array.from({ length: topic.partitions }, (_, partition) => new MemoryLog(topic.name, partition));
      this.#topics.set(topic.name, { declared: topic, logs });
      for (const group of this.#groups.values()) group.rebalance();
      return [];
    }
    const properties = ['partitions', 'cleanup', 'retentionMs'] as const;
    return properties
      .filter((property) => existing.declared[property] !== topic[property])
      .map((property) => ({
        topic: topic.name,
        property,
        declared: String(topic[property]),
        actual: String(existing.declared[property]),
      }));
  }

  /** All partitions of a topic; none when it does not exist. */
  logs(topic: string): readonly MemoryLog[] {
    return this.#topics.get(topic)?.logs ?? [];
  }

  /** Throws `MESSAGING_UNAVAILABLE` when the partition does not exist. */
  log(topic: string, partition: number): MemoryLog {
    const log = this.logs(topic)[partition];
    if (log !== undefined) return log;
    throw messagingErrors.UNAVAILABLE({
      message: `Partition ${partition} of topic '${topic}' does not exist. Create the topic first.`,
    });
  }

  group(name: string): MemoryGroup {
    const group = this.#groups.get(name) ?? new MemoryGroup((topic) => this.logs(topic));
    this.#groups.set(name, group);
    return group;
  }

  /** Appends outside a transaction, stamped with the log's time. */
  append(record: OutRecord, partition: number): number {
    return this.log(record.topic.name, partition).append(record, this.clock.nowMs(), null);
  }
}

/** Makes an empty log; hand it to every `createMemoryMessaging` that is to share it. */
export const createMemoryBroker = (options: MemoryBrokerOptions): MemoryBroker => new MemoryBroker(options);
