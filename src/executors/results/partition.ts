import type { Clock } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/random.ts';
import { repliesPartitions, topics } from '../../kernel/topics.ts';

const storedPartitions = topics.results.partitions - repliesPartitions;
const stayMs = 1_000;

/**
 * Where results go that no waiting replica chose a partition for: over those that no replica reads for itself. All of
 * one executor stay on one partition for a second, so that they go out in few batches, and begin at a random one.
 */
export const createStoredPartition = (clock: Clock, random: Random): (() => number) => {
  const first = random.below(storedPartitions);
  return () => repliesPartitions + ((first + Math.floor(clock.monotonicMs() / stayMs)) % storedPartitions);
};
