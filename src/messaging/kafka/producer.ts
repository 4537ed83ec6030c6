import { type Clock, sleep } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Topic } from '../../kernel/topics.ts';
import { AppendBudget, type QueuedRecord } from '../batcher.ts';
import { isRefusal } from '../errors.ts';
import type { AppendSink, OutRecord } from '../messaging.ts';
import {
  asError,
  isUnavailable,
  noPartition,
  notSent,
  queueFull,
  tooLarge,
  tooLargeForTopic,
  topicMissing,
  unsure,
} from './append-errors.ts';
import { type Cluster, codeError, type Links } from './cluster.ts';
import type { Crc32c } from './crc32c.ts';
import { partitionOfKey } from './key-partition.ts';
import { Lane } from './lane.ts';
import { type Batch, type PartitionLine, type ProducerIdentity, TopicLine } from './partition-line.ts';
import { encodeProduce, produceApi } from './produce-request.ts';
import {
  ambiguousCodes,
  codes,
  leaderCodes,
  producerFencedCodes,
  retriableAppendCodes,
  sequenceCodes,
} from './protocol-codes.ts';
import { batchHeaderBytes, recordBodyBytes, recordBytesMax } from './record-batch.ts';

/** As whom a producer sends: plain idempotence or a transaction. */
export interface ProducerSession {
  readonly transactionalId: string | null;
  /**
   * Readies these partitions and tells as whom to send. A rejection of kind `unavailable` is repeated with the batch;
   * any other ends the records.
   */
  prepare(lines: readonly PartitionLine[]): Promise<ProducerIdentity>;
  /** A record was taken and then given up. */
  gaveUp(error: Error): void;
  /** The sequences cannot go on: some records were given up or the broker lost track. */
  broken(identity: ProducerIdentity | null): void;
  /** The broker says that a later producer took over. The records are ended with the returned error, or repeated on null. */
  fenced(identity: ProducerIdentity): Promise<Error | null>;
}

export interface ProducerOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly links: Links;
  readonly session: ProducerSession;
  readonly crc32c: Crc32c;
  readonly fullName: (topic: string) => string;
  /** A record that is not acknowledged after this long is given up. */
  readonly deliveryTimeoutMs: number;
}

const requestBytesMax = 8 * 1024 * 1024;
const replicaTimeoutMs = 10_000;
const backoffMs = (failures: number): number => Math.min(500, 10 * 2 ** Math.min(failures, 6));

/**
 * Sends records: one produce request in flight per broker, everything given meanwhile goes out with the next one.
 * Repeats what failed with the same sequence numbers, which the brokers recognise, so nothing is doubled.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #topics = new Map<string, TopicLine>();
  readonly #lanes = new Map<number, Lane>();
  readonly #budget = new AppendBudget();
  readonly #drained: (() => void)[] = [];
  #sweeping = false;
  #failure: Error | null = null;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Records that wait for their acknowledgement. */
  get pending(): number {
    return this.#budget.records;
  }

  send(record: OutRecord, sink: AppendSink): void {
    const bodyBytes = recordBodyBytes(record);
    const refusal = this.#refusal(record, recordBytesMax(bodyBytes));
    if (refusal === null) {
      const queuedAtMs = this.#options.clock.monotonicMs();
      this.#place(this.#topic(record.topic), { record, bodyBytes, queuedAtMs, sink });
      this.#watch();
    } else {
      sink.failed(refusal, record);
    }
  }

  /** Resolves when nothing waits any more: each record was acknowledged or given up. */
  async drained(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained.push(resolve);
      for (const lane of this.#lanes.values()) lane.schedule(true);
    });
  }

  /** Rejects what waits and is not under way. */
  discard(error: Error): void {
    for (const topic of this.#topics.values()) this.#endTopic(topic, error);
  }

  /** Rejects what waits and everything given later. */
  fail(error: Error): void {
    this.#failure = error;
    this.discard(error);
  }

  /** Why the record is not taken; null: its place in the queue is. */
  #refusal(record: OutRecord, sizeBytes: number): Error | null {
    if (this.#failure !== null) return this.#failure;
    if (sizeBytes + batchHeaderBytes > limits.batchBytes) return tooLarge(record, sizeBytes);
    return this.#budget.take(sizeBytes) ? null : queueFull();
  }

  #topic({ name, ofAccount }: Topic): TopicLine {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new TopicLine(this.#options.fullName(name), ofAccount === true);
      topic.info = this.#options.cluster.known(topic.name) ?? null;
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #place(topic: TopicLine, item: QueuedRecord): void {
    if (topic.info === null) {
      topic.unplaced.push(item);
      void this.#locate(topic);
      return;
    }
    const count = topic.info.leaders.length;
    const { partition: chosen, key } = item.record;
    const partition = chosen ?? (key === null ? topic.nextPartition++ % count : partitionOfKey(key, count));
    if (partition >= count || partition < 0) {
      this.#reject([item], noPartition(topic.name, partition, count));
      return;
    }
    const line = topic.line(partition);
    line.push(item);
    this.#list(line);
  }

  #list(line: PartitionLine): void {
    if (line.inFlight || line.resting || !line.hasWork) return;
    const { leader } = line;
    if (leader < 0) {
      void this.#locate(line.topic);
      return;
    }
    const lane = this.#lane(leader);
    if (!line.listed) lane.ready.push(line);
    line.listed = true;
    lane.schedule(line.urgent || this.#drained.length > 0);
  }

  /** Asks where a topic's partitions are until it is known, then lists what waits for it. Never rejects. */
  async #locate(topic: TopicLine): Promise<void> {
    if (topic.locating) return;
    topic.locating = true;
    for (let failures = 0; ; failures += 1) {
      try {
        topic.info = topic.found(await this.#options.cluster.refresh(topic.name));
        if (![...topic.used()].some((line) => line.hasWork && line.leader < 0)) break;
      } catch (error) {
        const missing = topic.isMissing(error, this.#options.clock.monotonicMs());
        if (missing) this.#endTopic(topic, topicMissing(topic.name, error));
        else if (!isUnavailable(error)) this.#endTopic(topic, asError(error));
      }
      if (topic.unplaced.length === 0 && ![...topic.used()].some((line) => line.hasWork)) break;
      await sleep(this.#options.clock, backoffMs(failures));
    }
    topic.locating = false;
    const unplaced = topic.unplaced;
    topic.unplaced = [];
    for (const item of unplaced) this.#place(topic, item);
    for (const line of topic.used()) this.#list(line);
  }

  #endTopic(topic: TopicLine, error: Error): void {
    this.#reject(topic.unplaced, error);
    topic.unplaced = [];
    for (const line of topic.used()) {
      this.#reject(line.backlog.takeOlder(Infinity), error);
      if (!line.inFlight) this.#giveUp(line, error);
    }
  }

  #lane(leader: number): Lane {
    let lane = this.#lanes.get(leader);
    if (lane === undefined) {
      const { clock, links } = this.#options;
      lane = new Lane({ link: links.to(leader), clock, run: async (ready) => await this.#run(ready) });
      this.#lanes.set(leader, lane);
    }
    return lane;
  }

  async #run(lane: Lane): Promise<void> {
    lane.busy = true;
    const lines = this.#gather(lane);
    if (lines.length > 0) await this.#send(lane, lines);
    if (lane.failures > 0) await sleep(this.#options.clock, backoffMs(lane.failures));
    lane.busy = false;
    for (const line of lines) this.#list(line);
    lane.schedule(this.#drained.length > 0 || lane.ready.some((line) => line.urgent));
  }

  #gather(lane: Lane): PartitionLine[] {
    const lines: PartitionLine[] = [];
    const waiting = lane.ready;
    let bytes = 0;
    let index = 0;
    for (; index < waiting.length && bytes < requestBytesMax; index += 1) {
      const line = waiting[index];
      if (line === undefined) break;
      line.listed = false;
      const batch = line.takeBatch();
      if (batch === null) continue;
      for (const item of batch.items) bytes += item.bodyBytes;
      line.inFlight = true;
      lines.push(line);
    }
    lane.ready = waiting.slice(index);
    return lines;
  }

  /** One request and its consequences. Never rejects. */
  async #send(lane: Lane, lines: readonly PartitionLine[]): Promise<void> {
    let sent: readonly PartitionLine[] = [];
    try {
      const identity = await this.#options.session.prepare(lines);
      sent = lines.filter((line) => this.#mayGoAs(line, identity));
      if (sent.length > 0) await this.#exchange(lane, sent, identity);
      lane.failures = 0;
    } catch (error) {
      if (isUnavailable(error)) this.#repeatLater(lane, lines, sent);
      else for (const line of lines) this.#giveUp(line, asError(error));
    }
    for (const line of lines) line.inFlight = false;
  }

  async #exchange(lane: Lane, lines: readonly PartitionLine[], identity: ProducerIdentity): Promise<void> {
    const { session, clock, crc32c } = this.#options;
    const batches = lines.map((line) => {
      const batch = line.batch ?? { items: [], sentAs: null, ambiguous: false };
      batch.sentAs = identity;
      const baseSequence = line.sequenceFor(identity);
      return { topic: line.topic.name, partition: line.partition, items: batch.items, baseSequence };
    });
    const payload = encodeProduce(
      {
        transactionalId: session.transactionalId,
        producerId: identity.producerId,
        producerEpoch: identity.epoch,
        timestampMs: clock.nowMs(),
        timeoutMs: replicaTimeoutMs,
        batches,
      },
      crc32c,
    );
    const response = await lane.link.call(produceApi, payload);
    const answers = new Map<string, { errorCode: number; baseOffset: bigint }>();
    for (const topic of response.responses) {
      for (const each of topic.partitionResponses) answers.set(`${topic.name}/${each.index}`, each);
    }
    for (const line of lines) {
      const answer = answers.get(`${line.topic.name}/${line.partition}`);
      if (line.batch === null) continue;
      if (answer?.errorCode === 0) this.#acknowledge(line, line.batch, answer.baseOffset);
      else await this.#refused(line, line.batch, answer?.errorCode ?? codes.networkException);
    }
  }

  #acknowledge(line: PartitionLine, batch: Batch, baseOffset: bigint): void {
    line.acknowledged(batch);
    let offset = baseOffset;
    for (const item of batch.items) {
      this.#budget.give(recordBytesMax(item.bodyBytes));
      item.sink.appended({ partition: line.partition, offset });
      offset += 1n;
    }
    this.#settled();
  }

  /** The broker answered with a code: repeat, split, start the sequences anew or give up. */
  async #refused(line: PartitionLine, batch: Batch, code: number): Promise<void> {
    const { session, logger } = this.#options;
    const { name } = line.topic;
    const error = codeError(code, `appending to partition ${line.partition} of ${name}`);
    if (ambiguousCodes.has(code)) batch.ambiguous = true;
    if (ambiguousCodes.has(code) || leaderCodes.has(code) || retriableAppendCodes.has(code)) {
      line.topic.info = null;
      this.#rest(line);
      logger.debug({ event: 'append.repeated', topic: name, partition: line.partition, reason: error.message });
    } else if (code === codes.messageTooLarge || code === codes.recordListTooLarge) {
      if (!line.split(batch)) this.#giveUp(line, tooLargeForTopic(name, error));
    } else if (producerFencedCodes.has(code) && batch.sentAs !== null) {
      const fenced = await session.fenced(batch.sentAs);
      if (fenced === null) this.#rest(line);
      else this.#giveUp(line, fenced);
    } else if (sequenceCodes.has(code)) {
      logger.warn({ event: 'append.sequence.lost', topic: name, partition: line.partition, reason: error.message });
      session.broken(batch.sentAs);
      this.#rest(line);
    } else {
      this.#giveUp(line, error);
    }
  }

  /** Lists the line again after a while. */
  #rest(line: PartitionLine): void {
    line.resting = true;
    line.repeats += 1;
    this.#options.clock.after(backoffMs(line.repeats), () => {
      line.resting = false;
      this.#list(line);
    });
  }

  /** False when the batch may be in the log under an earlier identity: sending it again might double it. */
  #mayGoAs(line: PartitionLine, identity: ProducerIdentity): boolean {
    const { batch } = line;
    if (batch === null) return false;
    if (!batch.ambiguous || batch.sentAs === identity) return true;
    this.#giveUp(line, unsure(line.topic.name));
    return false;
  }

  #repeatLater(lane: Lane, lines: readonly PartitionLine[], sent: readonly PartitionLine[]): void {
    lane.failures += 1;
    for (const line of sent) if (line.batch !== null) line.batch.ambiguous = true;
    for (const topic of new Set(lines.map((line) => line.topic))) {
      topic.info = null;
      void this.#locate(topic);
    }
  }

  #giveUp(line: PartitionLine, error: Error): void {
    const { batch } = line;
    if (batch === null) return;
    if (batch.ambiguous) this.#options.session.broken(batch.sentAs);
    line.batch = null;
    this.#reject(batch.items, error);
  }

  #reject(items: readonly QueuedRecord[], error: Error): void {
    if (items.length > 0 && !isRefusal(error)) this.#options.session.gaveUp(error);
    for (const item of items) {
      this.#budget.give(recordBytesMax(item.bodyBytes));
      item.sink.failed(error, item.record);
    }
    this.#settled();
  }

  #settled(): void {
    if (this.pending > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Gives up records that wait for too long, as long as any waits. */
  #watch(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#options.clock.after(500, () => {
      this.#sweeping = false;
      const before = this.#options.clock.monotonicMs() - this.#options.deliveryTimeoutMs;
      for (const topic of this.#topics.values()) this.#expire(topic, before);
      if (this.pending > 0) this.#watch();
    });
  }

  #expire(topic: TopicLine, before: number): void {
    const isOld = (item: QueuedRecord): boolean => item.queuedAtMs < before;
    const late = topic.unplaced.filter(isOld);
    topic.unplaced = topic.unplaced.filter((item) => !isOld(item));
    for (const line of topic.used()) {
      if (line.batch !== null && !line.inFlight && line.batch.items.some(isOld)) {
        this.#giveUp(line, unsure(topic.name));
      }
      if (line.batch === null) late.push(...line.backlog.takeOlder(before));
    }
    if (late.length > 0) this.#reject(late, notSent(topic.name));
  }
}
