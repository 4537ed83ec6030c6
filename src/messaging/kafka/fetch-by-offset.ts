import type { InRecord } from '../messaging.ts';
import { type Cluster, codeError, type Links } from './cluster.ts';
import { type FetchedPart, fetchApi, type Isolation } from './fetch-request.ts';
import type { HeaderNames } from './header-names.ts';
import { listOffsets } from './list-offsets.ts';
import { codes, leaderCodes } from './protocol-codes.ts';
import { decodeSlice } from './record-decoder.ts';

export interface ByOffsetOptions {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly names: HeaderNames;
  readonly isolation: Isolation;
  readonly topic: string;
  readonly fullName: string;
  readonly partition: number;
}

const bytesMax = 1024 * 1024;

const readFrom = async (options: ByOffsetOptions, offset: bigint): Promise<FetchedPart> => {
  const { cluster, links, isolation, fullName, partition } = options;
  const topic = await cluster.topic(fullName);
  const leader = topic.leaders[partition] ?? -1;
  const doing = `reading offset ${String(offset)} of partition ${partition} of ${fullName}`;
  try {
    if (leader < 0) throw codeError(codes.leaderNotAvailable, doing);
    const parts = [{ topicId: topic.id, partition, offset }];
    const request = { isolation, waitMaxMs: 0, bytesMax, partitionBytesMax: bytesMax, parts };
    const [part] = (await links.to(leader).call(fetchApi, request)).parts;
    if (part === undefined || leaderCodes.has(part.errorCode)) {
      throw codeError(part?.errorCode ?? codes.leaderNotAvailable, doing);
    }
    if (part.errorCode !== 0 && part.errorCode !== codes.offsetOutOfRange) throw codeError(part.errorCode, doing);
    return part;
  } catch (error) {
    cluster.forget(fullName);
    throw error;
  }
};

/**
 * Reads the records at these offsets, in offset order; those that do not exist (any more) are left out. One fetch per
 * run of neighbours. Throws `MESSAGING_UNAVAILABLE` at the first obstacle: the caller repeats.
 */
export const fetchByOffset = async (options: ByOffsetOptions, offsets: readonly bigint[]): Promise<InRecord[]> => {
  const { topic, partition, names, isolation } = options;
  const found: InRecord[] = [];
  let wanted = [...new Set(offsets)].sort((left, right) => Number(left - right));
  while (wanted[0] !== undefined) {
    const [from] = wanted;
    const part = await readFrom(options, from);
    if (part.errorCode === codes.offsetOutOfRange) {
      const ask = { ...options, topic: options.fullName, partitions: [partition], at: 'start' } as const;
      const [start = 0n] = await listOffsets(ask);
      wanted = from < start ? wanted.filter((offset) => offset >= start) : [];
      continue;
    }
    const aborted = isolation === 'committed' ? part.aborted : null;
    const slice = decodeSlice(part.bytes, { topic, partition, from, aborted, names });
    const set = new Set(wanted);
    found.push(...slice.records.filter((record) => set.has(record.offset)));
    // No progress: nothing is readable from here on.
    wanted = slice.next > from ? wanted.filter((offset) => offset >= slice.next) : [];
  }
  return found;
};
