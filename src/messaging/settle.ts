import type { Clock } from '../kernel/clock.ts';
import { PlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Assignment, GroupOffsets, Membership, OutRecord, PartitionOffset } from './messaging.ts';
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

/** What is to be published for a record. */
export interface Outputs {
  readonly records: readonly OutRecord[];
  /** See `Delivery.settle`. */
  readonly patient: boolean;
}

export type Settlement = 'settled' | 'released';

/** The only place that acknowledges: outputs first or together, offsets never before them. */
export interface Settler {
  /** See `Delivery.settle`. Rejects when the consumer failed. */
  settle(partition: SettledPartition, taken: Taken, outputs: Outputs): Promise<Settlement>;
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

/** Whatever was thrown, as an error. */
export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
/** True for a PlatformError with one of those codes. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof PlatformError && codes.includes(error.code);
/** Failures after which trying it again is of use. */
export const isPassing = (error: unknown): boolean =>
  hasCode(error, 'MESSAGING_UNAVAILABLE', 'MESSAGING_QUEUE_FULL', 'MESSAGING_ABORTED', 'MESSAGING_ASSIGNMENT_ENDED');

/** What is to be committed for the partitions that are still owned. */
export const offsetsOf = (membership: Membership, partitions: readonly SettledPartition[]): GroupOffsets => ({
  membership,
  offsets: partitions.filter((each) => !each.over).map((each) => each.snapshot()),
});

/** A record that the log will never take: what else was made of the same input counts without it. */
export const tellRefused = (
  logger: Logger,
  output: OutRecord,
  { assignment }: SettledPartition,
  error: unknown,
): void => {
  const { message } = asError(error);
  const from = { topic: assignment.topic, partition: assignment.partition };
  logger.error({ event: 'output.refused', to: output.topic.name, from, reason: message });
};
