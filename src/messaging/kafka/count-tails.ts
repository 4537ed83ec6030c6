import { type Cluster, codeError, type Links } from './cluster.ts';
import { type FetchedPart, fetchApi } from './fetch-request.ts';
import { HeaderNames } from './header-names.ts';
import { codes } from './protocol-codes.ts';
import { decodeSlice } from './record-decoder.ts';

/** The end of a partition, from an offset on. */
export interface Tail {
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
}

export interface CountTailsOptions {
  readonly cluster: Cluster;
  readonly links: Links;
  /** Full name of the topic. */
  readonly topic: string;
}

/** Of longer tails the offsets are counted: a marker more or less does not matter there. */
const lookedAtMax = 16n;
const partitionBytesMax = 64 * 1024;

const offsetsIn = (tail: Tail): bigint => (tail.end > tail.from ? tail.end - tail.from : 0n);

const isLookedAt = (tail: Tail): boolean => offsetsIn(tail) > 0n && offsetsIn(tail) <= lookedAtMax;

/** Records of the part that was read, and the offsets of what was not: large records, open transactions. */
const countPart = (topic: string, tail: Tail, part: FetchedPart): bigint => {
  const { partition, from } = tail;
  const names = new HeaderNames();
  const { records, next } = decodeSlice(part.bytes, { topic, partition, from, aborted: part.aborted, names });
  const read = records.filter((record) => record.offset < tail.end).length;
  return BigInt(read) + offsetsIn({ ...tail, from: next });
};

/**
 * How many records these tails hold, in their order. Offsets do not tell: the markers that end transactions take some
 * of them. Short tails are read, in one request for each leader. One attempt; throws `MESSAGING_UNAVAILABLE`,
 * `MESSAGING_FORBIDDEN`.
 */
export const countTails = async (options: CountTailsOptions, tails: readonly Tail[]): Promise<bigint[]> => {
  const { cluster, links } = options;
  const topic = await cluster.topic(options.topic);
  const byLeader = Map.groupBy(tails.filter(isLookedAt), (tail) => topic.leaders[tail.partition] ?? -1);
  const counts = new Map<number, bigint>();
  const doing = `counting what is left to do of ${options.topic}`;
  try {
    await Promise.all(
      [...byLeader].map(async ([leader, group]) => {
        if (leader < 0) throw codeError(codes.leaderNotAvailable, doing);
        const parts = group.map(({ partition, from }) => ({ topicId: topic.id, partition, offset: from }));
        const bytesMax = parts.length * partitionBytesMax;
        const request = { isolation: 'committed', waitMaxMs: 0, bytesMax, partitionBytesMax, parts } as const;
        const answer = await links.to(leader).call(fetchApi, request);
        for (const tail of group) {
          const part = answer.parts.find(({ partition }) => partition === tail.partition);
          if (part === undefined || part.errorCode !== 0) throw codeError(part?.errorCode ?? answer.errorCode, doing);
          counts.set(tail.partition, countPart(options.topic, tail, part));
        }
      }),
    );
  } catch (error) {
    cluster.forget(options.topic);
    throw error;
  }
  return tails.map((tail) => counts.get(tail.partition) ?? offsetsIn(tail));
};
