import { listOffsetsV9 } from '@platformatic/kafka';
import { type Cluster, codeError, type Links, type TopicInfo } from './cluster.ts';
import { type Isolation, isolationLevel } from './fetch-request.ts';
import { codes } from './protocol-codes.ts';

export interface OffsetsOptions {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly topic: string;
  readonly partitions: readonly number[];
  readonly at: 'start' | 'end';
  /** For `end`: the last stable offset, or the end of the log. */
  readonly isolation: Isolation;
}

const startTimestamp = -2n;
const endTimestamp = -1n;
const consumer = -1;

/**
 * Start or end offset of each of these partitions, one attempt. Throws `MESSAGING_UNAVAILABLE` (metadata is asked for
 * again by the next call), `MESSAGING_FORBIDDEN`.
 */
export const listOffsets = async (options: OffsetsOptions): Promise<bigint[]> => {
  const topic = await options.cluster.topic(options.topic);
  const byLeader = Map.groupBy(options.partitions, (partition) => topic.leaders[partition] ?? -1);
  const found = new Map<number, bigint>();
  try {
    await Promise.all(
      [...byLeader].map(async ([leader, partitions]) => {
        await askLeader(options, topic, { leader, partitions, found });
      }),
    );
  } catch (error) {
    options.cluster.forget(options.topic);
    throw error;
  }
  return options.partitions.map((partition) => found.get(partition) ?? 0n);
};

interface Question {
  readonly leader: number;
  readonly partitions: readonly number[];
  readonly found: Map<number, bigint>;
}

const askLeader = async (options: OffsetsOptions, topic: TopicInfo, question: Question): Promise<void> => {
  if (question.leader < 0) throw codeError(codes.leaderNotAvailable, `asking for offsets of ${topic.name}`);
  const timestamp = options.at === 'start' ? startTimestamp : endTimestamp;
  const partitions = question.partitions.map((partitionIndex) => ({
    partitionIndex,
    currentLeaderEpoch: -1,
    timestamp,
  }));
  const response = await options.links
    .to(question.leader)
    .call(listOffsetsV9, consumer, isolationLevel(options.isolation), [{ name: topic.name, partitions }]);
  for (const each of response.topics[0]?.partitions ?? []) {
    if (each.errorCode !== 0) throw codeError(each.errorCode, `asking for offsets of ${topic.name}`);
    question.found.set(each.partitionIndex, each.offset);
  }
};
