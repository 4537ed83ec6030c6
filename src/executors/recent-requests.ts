import type { Topic } from '../kernel/topics.ts';
import type { Messaging } from '../messaging/messaging.ts';
import { createRecentIds, type RecentIds, readBackIds } from '../messaging/recent-ids.ts';
import type { PartitionOpening } from '../messaging/work.ts';
import type { IsCopy } from './steps/drop-copy.ts';

/** The ids that the partitions owned now brought lately, by period of ownership. */
export interface RecentRequests {
  readonly isCopy: IsCopy;
  /** Reads back what an earlier owner took. */
  open(opening: PartitionOpening): Promise<void>;
  close(generation: number): void;
}

export const createRecentRequests = (messaging: Messaging, topics: readonly Topic[]): RecentRequests => {
  const byGeneration = new Map<number, RecentIds>();
  return {
    isCopy: ({ generation }, id, attempt) => {
      const recent = byGeneration.get(generation);
      if (recent === undefined) return false;
      if (recent.seen(id, attempt)) return true;
      recent.remember(id, attempt);
      return false;
    },
    open: async ({ topic: name, partition, generation, next, unfinished }) => {
      const into = createRecentIds();
      byGeneration.set(generation, into);
      const topic = topics.find((each) => each.name === name);
      if (topic === undefined) return;
      await readBackIds({ messaging, topic, partition, next, unfinished, into });
    },
    close: (generation) => {
      byGeneration.delete(generation);
    },
  };
};
