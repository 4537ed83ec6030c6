import type { RequestId } from '../../kernel/ids.ts';
import { repliesPartitions, topics } from '../../kernel/topics.ts';

const byIdPartitions = topics.results.partitions - repliesPartitions;

/**
 * Partition of a result that no waiting replica chose: by request id over those partitions that no replica reads for
 * itself. The end of an id is random (UUID version 4) or a digest, so it needs no hashing.
 */
export const resultPartitionOf = (id: RequestId): number =>
  repliesPartitions + (Number.parseInt(id.slice(-7), 16) % byIdPartitions);
