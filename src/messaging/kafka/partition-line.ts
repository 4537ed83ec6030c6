import { PlatformError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import { Backlog, type QueuedRecord } from '../batcher.ts';
import type { TopicInfo } from './cluster.ts';
import { codeName, codes } from './protocol-codes.ts';
import { batchHeaderBytes, recordBytesMax } from './record-batch.ts';

/** Who a producer is to the brokers. A new one starts all sequences at 0; compared by reference. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

/** Records that were taken together; they stay together, with their sequence numbers, through every repetition. */
export interface Batch {
  readonly items: readonly QueuedRecord[];
  /** As whom it was last sent. */
  sentAs: ProducerIdentity | null;
  /** An attempt got no clear answer: the records may be in the log. */
  ambiguous: boolean;
}

const sizeOf = (item: QueuedRecord): number => recordBytesMax(item.bodyBytes);
const sequenceMask = 0x7fffffff;
/** A topic that was just made is not known to every broker at once. */
const unknownTopicMs = 2_000;

/** One partition as a producer sees it: what waits, the one batch that is under way, its sequence. */
export class PartitionLine {
  readonly topic: TopicLine;
  readonly partition: number;
  readonly backlog = new Backlog();
  batch: Batch | null = null;
  inFlight = false;
  /** Stands in a lane's list. */
  listed = false;
  /** Waits before its batch is repeated. */
  resting = false;
  /** Repetitions of the present batch. */
  repeats = 0;
  #awaited = false;
  #sequence = 0;
  #identity: ProducerIdentity | null = null;
  #capBytes: number = limits.batchBytes - batchHeaderBytes;

  constructor(topic: TopicLine, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Node that leads the partition; -1: not known. */
  get leader(): number {
    return this.topic.info?.leaders[this.partition] ?? -1;
  }

  get hasWork(): boolean {
    return this.batch !== null || this.backlog.length > 0;
  }

  /** Somebody waits for a record of it. */
  get urgent(): boolean {
    return this.#awaited || this.batch !== null;
  }

  push(item: QueuedRecord): void {
    this.backlog.push(item);
    if (item.sink.patient !== true) this.#awaited = true;
  }

  /** The batch to be sent next: the one to be repeated, else one of what waits. */
  takeBatch(): Batch | null {
    if (this.batch === null) {
      this.#awaited = false;
      const items = this.backlog.take(this.#capBytes, sizeOf);
      if (items.length > 0) this.batch = { items, sentAs: null, ambiguous: false };
    }
    return this.batch;
  }

  /** Sequence number of the first record of the batch under this identity. */
  sequenceFor(identity: ProducerIdentity): number {
    if (this.#identity !== identity) {
      this.#identity = identity;
      this.#sequence = 0;
    }
    return this.#sequence;
  }

  /** The batch is in the log. */
  acknowledged(batch: Batch): void {
    if (batch.sentAs === this.#identity) this.#sequence = (this.#sequence + batch.items.length) & sequenceMask;
    this.batch = null;
    this.repeats = 0;
  }

  /** The broker accepts smaller batches only: the records go out again in halves. False when there is only one. */
  split(batch: Batch): boolean {
    if (batch.items.length === 1) return false;
    const bytes = batch.items.reduce((sum, item) => sum + sizeOf(item), 0);
    this.#capBytes = Math.max(1024, Math.floor(bytes / 2));
    this.backlog.putBack(batch.items);
    this.batch = null;
    return true;
  }
}

/** One topic as a producer sees it. Records wait in `unplaced` until its partitions are known. */
export class TopicLine {
  readonly name: string;
  /** It comes and goes with an account. */
  readonly mayBeMissing: boolean;
  readonly lines: PartitionLine[] = [];
  unplaced: QueuedRecord[] = [];
  info: TopicInfo | null = null;
  locating = false;
  nextPartition = 0;
  /** Since when the brokers answer that there is no such topic. */
  #unknownSinceMs: number | null = null;

  constructor(name: string, mayBeMissing: boolean) {
    this.name = name;
    this.mayBeMissing = mayBeMissing;
  }

  /** The brokers know the topic. */
  found(info: TopicInfo): TopicInfo {
    this.#unknownSinceMs = null;
    return info;
  }

  /** True when `error` makes it certain that an account has no such topic (any more). */
  isMissing(error: unknown, nowMs: number): boolean {
    const unknown = error instanceof PlatformError && error.details['code'] === codeName(codes.unknownTopicOrPartition);
    if (!unknown || !this.mayBeMissing) return false;
    this.#unknownSinceMs ??= nowMs;
    return nowMs - this.#unknownSinceMs >= unknownTopicMs;
  }

  line(partition: number): PartitionLine {
    return (this.lines[partition] ??= new PartitionLine(this, partition));
  }

  /** Lines in use. */
  *used(): Generator<PartitionLine> {
    for (const line of this.lines as readonly (PartitionLine | undefined)[]) if (line !== undefined) yield line;
  }
}
