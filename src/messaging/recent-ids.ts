import { headerNames, headerNumber, headerText } from '../kernel/contracts/envelope.ts';
import { limits } from '../kernel/limits.ts';
import type { Topic } from '../kernel/topics.ts';
import type { InRecord, Messaging } from './messaging.ts';

/** The requests that one partition brought lately, so that a later copy of (id, attempt) is not run. */
export interface RecentIds {
  seen(id: string, attempt: number): boolean;
  /** Notes it as the newest; the oldest is forgotten beyond `limits.recentIdsPerPartition`. */
  remember(id: string, attempt: number): void;
}

const nameOf = (id: string, attempt: number): string => (attempt === 1 ? id : `${id} ${attempt}`);

/** Makes an empty memory for one ownership period of one partition. */
export const createRecentIds = (idsMax: number = limits.recentIdsPerPartition): RecentIds => {
  const known = new Set<string>();
  /** The same names in the order of their coming, overwritten from the oldest on: a set is slow to give its first. */
  const order: string[] = [];
  let at = 0;
  return {
    seen: (id, attempt) => known.has(nameOf(id, attempt)),
    remember: (id, attempt) => {
      const name = nameOf(id, attempt);
      if (known.has(name)) return;
      const oldest = order[at];
      if (oldest !== undefined) known.delete(oldest);
      known.add(name);
      order[at] = name;
      at = (at + 1) % idsMax;
    },
  };
};

export interface ReadBackOptions {
  readonly messaging: Messaging;
  readonly topic: Topic;
  readonly partition: number;
  /** Records below this offset are read back. */
  readonly next: bigint;
  /**
   * Those among them that were not finished, in offset order: they will be delivered again, so neither they nor later
   * copies of them (dropped because the first was in work) may count as seen; an earlier, finished copy does.
   */
  readonly unfinished: readonly InRecord[];
  readonly into: RecentIds;
}

/** Records asked for at a time, so that large ones are not read in vain beyond the bound in bytes. */
const windowRecords = 1_000n;

const readWindow = async (options: ReadBackOptions, from: bigint, to: bigint): Promise<InRecord[]> => {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const records: InRecord[] = [];
  const reader = await options.messaging.own({
    topic: options.topic,
    partition: options.partition,
    from,
    isolation: 'uncommitted',
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
    await reader.close();
  }
  return records;
};

const attemptOf = (record: InRecord): number => headerNumber(record.headers, headerNames.attempt) ?? 1;
const nameOfRecord = (record: InRecord): string =>
  nameOf(headerText(record.headers, headerNames.id) ?? '', attemptOf(record));

/** The newest records below `next`, oldest first, as many as the bounds in number and bytes allow. */
const readNewest = async (options: ReadBackOptions): Promise<InRecord[]> => {
  const lowest = options.next - BigInt(limits.recentIdsPerPartition);
  const newestFirst: InRecord[][] = [];
  let bytes = 0;
  let to = options.next;
  while (to > 0n && to > lowest && bytes < limits.recentIdsBytes) {
    const from = to > windowRecords ? to - windowRecords : 0n;
    const records = await readWindow(options, from, to);
    for (const record of records) bytes += record.value?.length ?? 0;
    newestFirst.push(records);
    to = from;
  }
  return newestFirst.reverse().flat();
};

/**
 * Fills the memory from the log before a partition is worked on: the newest `limits.recentIdsPerPartition` records
 * below `next`, or `limits.recentIdsBytes` of them. Throws what the port's readers fail with.
 */
export const readBackIds = async (options: ReadBackOptions): Promise<void> => {
  const firstUnfinished = new Map<string, bigint>();
  for (const record of options.unfinished) {
    const name = nameOfRecord(record);
    if (!firstUnfinished.has(name)) firstUnfinished.set(name, record.offset);
  }
  for (const record of await readNewest(options)) {
    const unfinishedAt = firstUnfinished.get(nameOfRecord(record));
    if (unfinishedAt !== undefined && record.offset >= unfinishedAt) continue;
    const id = headerText(record.headers, headerNames.id);
    if (id !== undefined) options.into.remember(id, attemptOf(record));
  }
};
