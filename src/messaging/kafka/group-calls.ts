import { offsetCommitV9, offsetFetchV9 } from '@platformatic/kafka';
import { messagingErrors } from '../errors.ts';
import { type Cluster, codeError, type Links } from './cluster.ts';
import type { Link } from './link.ts';
import { codes, coordinatorCodes } from './protocol-codes.ts';

export interface CommittedOffset {
  readonly offset: bigint;
  readonly metadata: string;
}

/** Offsets of one topic as the group protocol writes them. */
export interface TopicOffsets {
  name: string;
  partitions: {
    partitionIndex: number;
    committedOffset: bigint;
    committedLeaderEpoch: number;
    committedMetadata: string;
  }[];
}

/** The broker that coordinates a group or a transactional id: looked up when first needed and after it moved. */
export class Coordinator {
  readonly #cluster: Cluster;
  readonly #links: Links;
  readonly #kind: 'group' | 'transaction';
  readonly #key: string;
  #node: number | null = null;

  constructor(cluster: Cluster, links: Links, kind: 'group' | 'transaction', key: string) {
    this.#cluster = cluster;
    this.#links = links;
    this.#kind = kind;
    this.#key = key;
  }

  /** Calls the coordinator. A rejection makes the next call look it up again. */
  async call<Result>(run: (link: Link) => Promise<Result>): Promise<Result> {
    this.#node ??= await this.#cluster.coordinator(this.#kind, this.#key);
    try {
      return await run(this.#links.to(this.#node));
    } catch (error) {
      this.#node = null;
      throw error;
    }
  }

  /** Throws for codes that another attempt, perhaps at another broker, may repair. */
  retryOn(code: number, doing: string): void {
    if (!coordinatorCodes.has(code)) return;
    this.#node = null;
    throw codeError(code, doing);
  }
}

export interface CommittedQuestion {
  readonly group: string;
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Fail (repairably) while a transaction that commits such an offset is open. */
  readonly stable: boolean;
}

const withoutEpoch = -1;

/** What a group has committed, one attempt. Throws `MESSAGING_UNAVAILABLE`, `MESSAGING_FORBIDDEN`. */
export const fetchCommitted = async (
  coordinator: Coordinator,
  question: CommittedQuestion,
): Promise<(CommittedOffset | null)[]> => {
  const { group, topic, partitions, stable } = question;
  const doing = `reading the offsets of group ${group}`;
  const topics = [{ name: topic, partitionIndexes: [...partitions] }];
  const ask = { groupId: group, memberId: null, memberEpoch: withoutEpoch, topics };
  const response = await coordinator.call(async (link) => await link.call(offsetFetchV9, [ask], stable));
  const [found] = response.groups;
  const code = found?.errorCode ?? codes.coordinatorNotAvailable;
  coordinator.retryOn(code, doing);
  if (code === codes.groupIdNotFound) return partitions.map(() => null);
  if (code !== 0) throw codeError(code, doing);
  const byPartition = new Map((found?.topics[0]?.partitions ?? []).map((each) => [each.partitionIndex, each]));
  return partitions.map((partition) => {
    const each = byPartition.get(partition);
    if (each === undefined) return null;
    if (each.errorCode !== 0) throw codeError(each.errorCode, doing);
    return each.committedOffset < 0n ? null : { offset: each.committedOffset, metadata: each.metadata ?? '' };
  });
};

/** The first code other than 0 in the answer to an offset commit. */
export const firstCode = (topics: readonly { partitions: readonly { errorCode: number }[] }[]): number => {
  for (const topic of topics) for (const each of topic.partitions) if (each.errorCode !== 0) return each.errorCode;
  return 0;
};

export interface CommitAs {
  readonly group: string;
  readonly memberId: string;
  readonly memberEpoch: number;
}

/** Commits offsets outside a transaction, one attempt. Returns the broker's code; throws `MESSAGING_UNAVAILABLE`. */
export const commitOffsets = async (
  coordinator: Coordinator,
  as: CommitAs,
  topics: readonly TopicOffsets[],
): Promise<number> => {
  const response = await coordinator.call(
    async (link) => await link.call(offsetCommitV9, as.group, as.memberEpoch, as.memberId, null, [...topics]),
  );
  const code = firstCode(response.topics);
  coordinator.retryOn(code, `committing offsets of group ${as.group}`);
  return code;
};

/** The error for a code that refuses a commit for good. */
export const commitError = (code: number, group: string): Error =>
  code === codes.offsetMetadataTooLarge
    ? messagingErrors.TOO_LARGE({ message: `The metadata of an offset of group ${group} exceeds the broker's limit.` })
    : codeError(code, `committing offsets of group ${group}`);
