import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Topic } from '../kernel/topics.ts';
import type { Assignment, InRecord, Messaging } from './messaging.ts';
import { decodeOffsetMetadata, type OffsetMetadata } from './offset-metadata.ts';

/** What was found out about a partition before work on it begins. */
export interface Opening {
  /** Where to go on reading. */
  readonly next: number;
  /** Unfinished records below `next`, in offset order. */
  readonly holes: readonly InRecord[];
  /** Records below this offset, and at most `carefulMax` of them, are opened one at a time; 0 after an orderly release. */
  readonly carefulEnd: number;
  readonly carefulMax: number;
  /** Holes that were open alone when an owner died, and how often. */
  readonly blamed: ReadonlyMap<number, number>;
}

export interface OpeningOptions {
  readonly messaging: Messaging;
  readonly logger: Logger;
  readonly topics: readonly Topic[];
  readonly assignment: Assignment;
  /** Our transactional id, or empty. */
  readonly owner: string;
  /** Resolves when our own commits under way have ended. */
  idle(): Promise<void>;
}

type Committed = Assignment['committed'];

const decode = (committed: Committed): OffsetMetadata | undefined =>
  committed === null ? undefined : decodeOffsetMetadata(Number(committed.offset), committed.metadata);

/**
 * What an owner that did not let go in order had committed at the very last: a commit of its own may still be under
 * way. Another owner's is aborted, and it is barred for good; ours (we lost the partition and got it back) is awaited.
 */
const readLast = async (options: OpeningOptions, former: OffsetMetadata): Promise<Committed> => {
  const { messaging, assignment, owner } = options;
  if (former.owner !== '' && former.owner !== owner) {
    const transactor = await messaging.transactor({ transactionalId: former.owner });
    await transactor.close();
  }
  await options.idle();
  return await assignment.readCommitted();
};

/** A record that was open alone when its owner died counts as the cause; one that is finished no longer matters. */
const blame = (metadata: OffsetMetadata): ReadonlyMap<number, number> => {
  const blamed = new Map<number, number>();
  for (const hole of metadata.holes) {
    const count = (metadata.blamed.get(hole) ?? 0) + (!metadata.drained && metadata.marked === hole ? 1 : 0);
    if (count > 0) blamed.set(hole, count);
  }
  return blamed;
};

const endOffset = async (options: OpeningOptions): Promise<number> => {
  const topic = options.topics.find((each) => each.name === options.assignment.topic);
  if (topic === undefined) return 0;
  const ends = await options.messaging.admin.endOffsets(topic, 'uncommitted');
  return Number(ends[options.assignment.partition] ?? 0n);
};

/**
 * Reads what the former owner of a partition left, fences it when it did not let go in order, and fetches the records
 * it had not finished. Throws what the port throws.
 */
export const openPartition = async (options: OpeningOptions): Promise<Opening> => {
  const { assignment, logger } = options;
  const former = decode(assignment.committed);
  const metadata = former === undefined || former.drained ? former : decode(await readLast(options, former));
  const end = await endOffset(options);
  if (metadata === undefined) {
    return { next: Math.min(Number(assignment.next), end), holes: [], carefulEnd: 0, carefulMax: 0, blamed: new Map() };
  }
  const holes = await assignment.fetch(metadata.holes.map(BigInt));
  const blamed = blame(metadata);
  const { topic, partition } = assignment;
  if (!metadata.drained) logger.warn({ event: 'partition.opened-carefully', topic, partition, owner: metadata.owner });
  return {
    // A log that lost its end in a power failure goes on below what was committed.
    next: Math.min(metadata.next, end),
    holes,
    carefulEnd: metadata.drained ? 0 : end,
    carefulMax: metadata.drained ? 0 : limits.inFlightPerPartition,
    blamed: new Map([...blamed].filter(([offset]) => holes.some((record) => Number(record.offset) === offset))),
  };
};
