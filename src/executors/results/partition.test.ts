import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../test/helpers/virtual-clock.ts';
import { repliesPartitions, topics } from '../../kernel/topics.ts';
import { createStoredPartition } from './partition.ts';

const random = { uuid: () => '', below: (below: number) => below - 1 };

test('results that nobody waits for stay on one partition for a second, and visit all but those that replicas read', async () => {
  const clock = createVirtualClock(0);
  const partition = createStoredPartition(clock, random);
  const seen = new Set<number>();
  for (let second = repliesPartitions; second < topics.results.partitions; second += 1) {
    const first = partition();
    await clock.advance(999);
    expect(partition()).toBe(first);
    seen.add(first);
    await clock.advance(1);
  }
  expect([...seen].sort((a, b) => a - b)).toEqual(
    Array.from({ length: topics.results.partitions - repliesPartitions }, (_, index) => repliesPartitions + index),
  );
});
