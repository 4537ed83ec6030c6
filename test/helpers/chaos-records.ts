import { setTimeout as delay } from 'node:timers/promises';
import { executorGroup } from '../../src/executors/executors.ts';
import type { Result } from '../../src/kernel/contracts/contracts.gen.ts';
import { headerNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import { requestsTopic, type Topic, topics } from '../../src/kernel/topics.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import type { InRecord, Messaging } from '../../src/messaging/messaging.ts';

/** A committed record of `results.v1`. */
export interface CommittedResult {
  readonly requestId: string;
  /** The `id` that the caller put into the body; null when the result is not an echo of it. */
  readonly bodyId: string | null;
  readonly result: Result;
}

/** Where a topic ended at some moment, by partition. */
export type Ends = readonly bigint[];

const idleTimeoutMs = 60_000;
const readTimeoutMs = 30_000;
const codec = createCodec();

export const endsOf = async (messaging: Messaging, topic: Topic): Promise<Ends> =>
  await messaging.admin.endOffsets(topic, 'committed');

const readPartition = async (
  messaging: Messaging,
  topic: Topic,
  partition: number,
  bounds: readonly [bigint, bigint],
) => {
  const [from, to] = bounds;
  const records: InRecord[] = [];
  if (from >= to) return records;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const late = setTimeout(() => {
    reject(new Error(`${topic.name}/${partition} was not read up to ${to} within ${readTimeoutMs / 1000} s`));
  }, readTimeoutMs);
  const reader = await messaging.own({
    topic,
    partition,
    from,
    isolation: 'committed',
    onRecords: (batch) => {
      for (const record of batch) if (record.offset < to) records.push(record);
    },
    onPosition: (position) => {
      if (position >= to) resolve(undefined);
    },
    onFailed: reject,
  });
  try {
    await promise;
  } finally {
    clearTimeout(late);
    await reader.close();
  }
  return records;
};

/** The committed records of a topic from `since` to its present end. */
export const readCommitted = async (messaging: Messaging, topic: Topic, since: Ends): Promise<readonly InRecord[]> => {
  const ends = await endsOf(messaging, topic);
  const read = ends.map(
    async (end, partition) => await readPartition(messaging, topic, partition, [since[partition] ?? 0n, end]),
  );
  return (await Promise.all(read)).flat();
};

/** Resolves when a group has finished everything that stands in the topics. */
export const untilFinished = async (messaging: Messaging, group: string, wanted: readonly Topic[]): Promise<void> => {
  const deadlineMs = performance.now() + idleTimeoutMs;
  for (;;) {
    const lags = await Promise.all(wanted.map(async (topic) => await messaging.admin.lag(group, topic)));
    if (lags.flat().every((lag) => lag === 0n)) return;
    if (performance.now() > deadlineMs) throw new Error(`group ${group} still has ${lags.flat().join(' ')} to do`);
    await delay(100);
  }
};

/** Resolves when every request that stands in the log is finished. */
export const untilRequestsFinished = async (messaging: Messaging): Promise<void> =>
  await untilFinished(messaging, executorGroup('cpu'), [requestsTopic('cpu')]);

const bodyIdOf = ({ body }: Result): string | null => {
  if (body === null) return null;
  try {
    const { id } = JSON.parse(body.toString('utf8')) as { readonly id?: unknown };
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
};

const toResult = (record: InRecord): CommittedResult => {
  const result = codec.decode('result', record);
  return { requestId: headerText(record.headers, headerNames.id) ?? '', bodyId: bodyIdOf(result), result };
};

/** The committed results since then. */
export const readResults = async (messaging: Messaging, since: Ends): Promise<readonly CommittedResult[]> =>
  (await readCommitted(messaging, topics.results, since)).map(toResult);

/** The partition of the requests topic in which each request stands. */
export const readPartitionsOfRequests = async (
  messaging: Messaging,
  since: Ends,
): Promise<ReadonlyMap<string, number>> => {
  const records = await readCommitted(messaging, requestsTopic('cpu'), since);
  return new Map(records.map((record) => [headerText(record.headers, headerNames.id) ?? '', record.partition]));
};
