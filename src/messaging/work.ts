import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Topic } from '../kernel/topics.ts';
import type { InRecord, JoinOptions, Messaging, OutRecord } from './messaging.ts';

/**
 * At-least-once work on the records of a consumer group with exact offset bookkeeping: what executors, the router and
 * the builder are built on. `createWorkConsumer` (work-consumer.ts) joins the group, hands out deliveries, tracks
 * which are unfinished, and is the only caller of `settle.ts`, the only place that acknowledges.
 */
export interface WorkConsumer {
  /** Deliveries handed out and not settled. */
  readonly inFlight: number;
  /** Partitions owned now. */
  readonly partitions: number;
  /** Drains (up to the drain limit), commits, leaves. May be called twice. */
  close(): Promise<void>;
}

/** One record to be worked on. */
export interface Delivery {
  readonly record: InRecord;
  /** Tag of the ownership period; `onReleased` names it. */
  readonly generation: number;
  /** False once the ownership ended: the work is another's now, settling does nothing. */
  readonly live: boolean;
  /** True for a record that is opened one at a time because its last owner died with it in flight. */
  readonly careful: boolean;
  /**
   * Publishes the outputs and marks the record finished. Resolves `settled` when the broker acknowledged the outputs
   * (visible to uncommitted readers; in transaction mode committed within `everyMs`), `released` when the ownership
   * ended first and nothing was published. Call once. Rejects only when the process must end (fenced). `patient`: nobody
   * waits for the outputs, so they may wait some milliseconds for others to go out with.
   */
  settle(outputs: readonly OutRecord[], patient?: boolean): Promise<'settled' | 'released'>;
  /**
   * Gives the record back unstarted, instead of {@link settle}: it stays unfinished and goes to the next owner. Called
   * for queued work that `onReleased` removed from its queues; a drain does not wait for it.
   */
  giveBack(): void;
}

/** How finished work becomes durable. */
export type SettleMode =
  /** Outputs and offsets in one transaction about every `everyMs`: exactly one committed output set per record. */
  | { readonly kind: 'transaction'; readonly transactionalId: string; readonly everyMs: number }
  /** Outputs acknowledged first, offsets committed about every `everyMs`: outputs may repeat after a crash. */
  | { readonly kind: 'append'; readonly name: string; readonly everyMs: number };

/** A partition that is about to be worked on. */
export interface PartitionOpening {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  /** Where reading goes on: what lies below was taken by earlier owners. */
  readonly next: bigint;
  /** Records below `next` that were not finished: they are delivered first. */
  readonly unfinished: readonly InRecord[];
}

export interface WorkConsumerOptions {
  readonly messaging: Messaging;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly group: string;
  readonly topics: readonly Topic[];
  readonly isolation: 'committed' | 'uncommitted';
  readonly mode: SettleMode;
  /** Deliveries in flight over all partitions at most (beside `limits.inFlightPerPartition`); reading pauses above it. */
  readonly inFlightMax: number;
  /** Those of `topics` of which each has that bound for itself: for records that others' work may wait for. */
  readonly apart?: readonly Topic[];
  /** See {@link JoinOptions.balance}. */
  readonly balance?: NonNullable<JoinOptions['balance']>;
  /** Nothing of the partition is delivered before this resolves: to read back recent ids, for example. */
  onOpening?(opening: PartitionOpening): Promise<void>;
  /** Takes the delivery (queues or starts it). Synchronous, must not throw. Order: offset order per partition. */
  onDelivery(delivery: Delivery): void;
  /**
   * An ownership period begins to drain, or ended. Remove its queued deliveries from your queues and give each back
   * ({@link Delivery.giveBack}); those that were started may be settled while `live`. May come twice for a generation.
   */
  onReleased(generation: number): void;
  /**
   * Outputs for a record that was in flight in two deaths (`limits.blamedMax`): a dead letter, an answer. It is
   * settled with them without being delivered. Who drops copies must do so here too: for a copy there is nothing to
   * publish, and the record counts as brought by this generation.
   */
  onPoison(record: InRecord, blamed: number, generation: number): readonly OutRecord[];
  /** The consumer cannot go on: the process must end. */
  onFailed(error: Error): void;
}
