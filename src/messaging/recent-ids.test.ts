import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../test/helpers/virtual-clock.ts';
import { headerNames } from '../kernel/contracts/envelope.ts';
import { limits } from '../kernel/limits.ts';
import { requestsTopic } from '../kernel/topics.ts';
import { createMemoryBroker } from './memory/broker.ts';
import { createMemoryMessaging } from './memory/memory-messaging.ts';
import type { InRecord, OutRecord } from './messaging.ts';
import { createRecentIds, readBackIds } from './recent-ids.ts';

const topic = requestsTopic('cpu');
const recordOf = (id: string, attempt = 1): OutRecord => ({
  topic,
  partition: 0,
  key: null,
  value: null,
  headers: [
    [headerNames.id, Buffer.from(id)],
    [headerNames.attempt, Buffer.from(String(attempt))],
  ],
});

/** What is remembered of a log with these records, of which some were not finished. */
const readBack = async (records: readonly OutRecord[], unfinishedOffsets: readonly number[] = []) => {
  const broker = createMemoryBroker({ clock: createVirtualClock() });
  broker.ensureTopic(topic);
  for (const record of records) broker.append(record, 0);
  const unfinished: InRecord[] = broker.log(topic.name, 0).at(unfinishedOffsets, 'uncommitted');
  const into = createRecentIds();
  const messaging = createMemoryMessaging({ broker });
  await readBackIds({ messaging, topic, partition: 0, next: BigInt(records.length), unfinished, into });
  return into;
};

describe('the memory of recent ids', () => {
  it('knows an id by its attempt', () => {
    const recent = createRecentIds();
    recent.remember('a', 1);
    expect([recent.seen('a', 1), recent.seen('a', 2), recent.seen('b', 1)]).toEqual([true, false, false]);
  });

  it('forgets the oldest beyond its bound', () => {
    const recent = createRecentIds(2);
    for (const id of ['a', 'b', 'c']) recent.remember(id, 1);
    expect(['a', 'b', 'c'].map((id) => recent.seen(id, 1))).toEqual([false, true, true]);
  });

  it('is read back from what the partition brought before', async () => {
    const recent = await readBack([recordOf('a'), recordOf('a', 2), recordOf('b')]);
    expect([recent.seen('a', 1), recent.seen('a', 2), recent.seen('b', 1), recent.seen('b', 2)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('does not hold what is delivered again, nor its later copies', async () => {
    const recent = await readBack([recordOf('a'), recordOf('b'), recordOf('a')], [0]);
    expect([recent.seen('a', 1), recent.seen('b', 1)]).toEqual([false, true]);
  });

  it('holds an unfinished record of which an earlier copy was finished', async () => {
    const recent = await readBack([recordOf('a'), recordOf('b'), recordOf('a')], [2]);
    expect(recent.seen('a', 1)).toBe(true);
  });

  it('reaches as far back as its bound, across several reads', async () => {
    const count = limits.recentIdsPerPartition + 500;
    const recent = await readBack(Array.from({ length: count }, (_, at) => recordOf(`id-${at}`)));
    expect(recent.seen(`id-${count - 1}`, 1)).toBe(true);
    expect(recent.seen(`id-${count - limits.recentIdsPerPartition}`, 1)).toBe(true);
    expect(recent.seen(`id-${count - limits.recentIdsPerPartition - 1}`, 1)).toBe(false);
  });

  it('passes over records without an id', async () => {
    const recent = await readBack([{ ...recordOf('a'), headers: [] }, recordOf('b')]);
    expect([recent.seen('', 1), recent.seen('b', 1)]).toEqual([false, true]);
  });
});
