import { fetchV17, type Reader } from '@platformatic/kafka';
import { ByteReader } from './byte-reader.ts';
import type { Api } from './link.ts';
import type { AbortedTransaction } from './record-decoder.ts';

export type Isolation = 'committed' | 'uncommitted';

/** One partition to be read. */
export interface FetchPart {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface FetchRequest {
  readonly isolation: Isolation;
  /** Time that the broker may wait for a first record. */
  readonly waitMaxMs: number;
  readonly bytesMax: number;
  readonly partitionBytesMax: number;
  readonly parts: readonly FetchPart[];
}

/** What the broker answers for one partition; the record batches are still bytes. */
export interface FetchedPart {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly bytes: Buffer;
}

export interface FetchResponse {
  readonly errorCode: number;
  readonly parts: readonly FetchedPart[];
}

export const isolationLevel = (isolation: Isolation): 0 | 1 => (isolation === 'committed' ? 1 : 0);

const createRequest = (request: FetchRequest): ReturnType<typeof fetchV17.createRequest> => {
  const byTopic = Map.groupBy(request.parts, (part) => part.topicId);
  const topics = [...byTopic].map(([topicId, parts]) => ({
    topicId,
    partitions: parts.map((part) => ({
      partition: part.partition,
      currentLeaderEpoch: -1,
      fetchOffset: part.offset,
      lastFetchedEpoch: -1,
      partitionMaxBytes: request.partitionBytesMax,
    })),
  }));
  const level = isolationLevel(request.isolation);
  return fetchV17.createRequest(request.waitMaxMs, 1, request.bytesMax, level, 0, -1, topics, [], '');
};

const readPart = (reader: ByteReader, topicId: string): FetchedPart => {
  const partition = reader.int32();
  const errorCode = reader.int16();
  reader.at += 24;
  const aborted: AbortedTransaction[] = [];
  for (let count = reader.uvarint() - 1; count > 0; count -= 1) {
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() });
    reader.skipTags();
  }
  reader.at += 4;
  const size = reader.uvarint() - 1;
  const bytes = reader.take(Math.max(0, size));
  reader.skipTags();
  return { topicId, partition, errorCode, aborted, bytes };
};

const parseResponse = (_correlationId: number, _key: number, _version: number, response: Reader): FetchResponse => {
  const reader = new ByteReader(response.buffer.buffer, response.position);
  const parts: FetchedPart[] = [];
  reader.at += 4;
  const errorCode = reader.int16();
  reader.at += 4;
  for (let topics = reader.uvarint() - 1; topics > 0; topics -= 1) {
    const topicId = reader.take(16).toString('hex');
    for (let count = reader.uvarint() - 1; count > 0; count -= 1) parts.push(readPart(reader, topicId));
    reader.skipTags();
  }
  return { errorCode, parts };
};

/** Fetch, version 17, without a session; record batches stay bytes until they are handed over. */
export const fetchApi: Api<[FetchRequest], FetchResponse> = { createRequest, parseResponse, api: fetchV17.api };
