import { produceV11, Writer } from '@platformatic/kafka';
import type { QueuedRecord } from '../batcher.ts';
import { ByteWriter, uvarintBytes } from './byte-writer.ts';
import type { Crc32c } from './crc32c.ts';
import type { Api } from './link.ts';
import { batchBytes, writeBatch } from './record-batch.ts';

/** Records for one partition, with the sequence number of the first. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly items: readonly QueuedRecord[];
  readonly baseSequence: number;
}

export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly timestampMs: number;
  /** Time the broker may take to have all in-sync replicas acknowledge. */
  readonly timeoutMs: number;
  readonly batches: readonly PartitionBatch[];
}

export type ProduceResponse = ReturnType<typeof produceV11.parseResponse>;

/** Produce, version 11: the last one in which transactions name their partitions beforehand. */
export const produceApi: Api<[Buffer], ProduceResponse> = {
  createRequest: (payload) => Writer.create().append(payload),
  parseResponse: produceV11.parseResponse,
  api: produceV11.api,
};

const allReplicas = -1;
const compactStringBytesMax = (text: string | null): number => (text === null ? 1 : 5 + 3 * text.length);

/** Writes the whole request into one buffer. */
export const encodeProduce = (request: ProduceRequest, crc32c: Crc32c): Buffer => {
  const byTopic = Map.groupBy(request.batches, (batch) => batch.topic);
  const sizes = new Map(request.batches.map((batch) => [batch, batchBytes(batch.items)]));
  let bytes = compactStringBytesMax(request.transactionalId) + 32;
  for (const topic of byTopic.keys()) bytes += compactStringBytesMax(topic) + 8;
  for (const size of sizes.values()) bytes += size + uvarintBytes(size + 1) + 8;
  const writer = new ByteWriter(bytes);
  writer.compactString(request.transactionalId);
  writer.int16(allReplicas);
  writer.int32(request.timeoutMs);
  writer.uvarint(byTopic.size + 1);
  for (const [topic, batches] of byTopic) {
    writer.compactString(topic);
    writer.uvarint(batches.length + 1);
    for (const batch of batches) {
      const sizeBytes = sizes.get(batch) ?? 0;
      writer.int32(batch.partition);
      writer.uvarint(sizeBytes + 1);
      const { producerId, producerEpoch, timestampMs } = request;
      const transactional = request.transactionalId !== null;
      const header = { producerId, producerEpoch, timestampMs, transactional, baseSequence: batch.baseSequence };
      writeBatch(writer, batch.items, header, { sizeBytes, crc32c });
      writer.uvarint(0);
    }
    writer.uvarint(0);
  }
  writer.uvarint(0);
  return writer.buffer.subarray(0, writer.at);
};
