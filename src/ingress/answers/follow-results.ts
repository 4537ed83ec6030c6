import type { Clock } from '../../kernel/clock.ts';
import { headerNames, headerText } from '../../kernel/contracts/envelope.ts';
import { limits } from '../../kernel/limits.ts';
import { repliesPartitions, topics } from '../../kernel/topics.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { InRecord, Messaging, OwnReader } from '../../messaging/messaging.ts';
import type { Answers } from './answers.ts';

export interface FollowOptions {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly answers: Answers;
  /** The partition that the reply reader reads anyway: only caught up here, not followed. */
  readonly ownPartition: number;
  /** Records read back per partition at start. */
  readonly readBackMax: number;
  onFailed(error: Error): void;
}

/**
 * Fills the index from the committed results: at start those of the last day (bounded), then as they come. Results in
 * the partitions behind `repliesPartitions` are of calls that nobody waits for, so they are indexed by their headers
 * alone; those before it are of waiting callers, of which only calls with an idempotency key are kept.
 */
export const followResults = async (options: FollowOptions): Promise<{ close(): Promise<void> }> => {
  const { messaging, codec, answers, clock } = options;
  const ends = await messaging.admin.endOffsets(topics.results, 'committed');
  const readers: OwnReader[] = [];

  const index = (record: InRecord): void => {
    const id = headerText(record.headers, headerNames.id);
    if (id === undefined || record.timestampMs < clock.nowMs() - limits.answersKeptMs) return;
    const place = { partition: record.partition, offset: record.offset };
    if (record.partition >= repliesPartitions) {
      answers.finish(id, place, null);
      return;
    }
    const key = keyIn(record);
    if (key !== null) answers.finish(id, place, key);
  };
  const keyIn = (record: InRecord): { account: string; idempotencyKey: string } | null => {
    try {
      const { account, idempotencyKey } = codec.decode('result', record);
      return idempotencyKey === null ? null : { account, idempotencyKey };
    } catch {
      // Of another release: not ours to answer from.
      return null;
    }
  };
  const open = async (partition: number, end: bigint): Promise<void> => {
    const back = BigInt(options.readBackMax);
    const caughtUp = Promise.withResolvers<null>();
    const reader = await messaging.own({
      topic: topics.results,
      partition,
      from: end > back ? end - back : 'start',
      isolation: 'committed',
      onRecords: (records) => {
        for (const record of records) index(record);
      },
      onPosition: (position) => {
        if (position >= end) caughtUp.resolve(null);
      },
      onFailed: (error) => {
        options.onFailed(error);
      },
    });
    readers.push(reader);
    if (partition !== options.ownPartition) return;
    await caughtUp.promise;
    await reader.close();
  };

  // The partition that is read anyway and has nothing to catch up with needs no reader here.
  const wanted = ends
    .map((end, partition) => ({ end, partition }))
    .filter((each) => each.partition !== options.ownPartition || each.end > 0n);
  await Promise.all(wanted.map(async ({ end, partition }) => await open(partition, end)));
  return {
    close: async () => {
      await Promise.all(readers.map(async (reader) => await reader.close()));
    },
  };
};
