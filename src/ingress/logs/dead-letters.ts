import { deadNames, type Headers, headerNumber, headerText } from '../../kernel/contracts/envelope.ts';
import { topics } from '../../kernel/topics.ts';
import type { InRecord, Messaging, Place } from '../../messaging/messaging.ts';
import type { RecordReader } from '../answers/read-place.ts';

/** A parked record, as its headers tell. */
export interface DeadLetter {
  readonly place: Place;
  readonly atMs: number;
  readonly account: string | null;
  readonly topic: string | null;
  readonly originPartition: number | null;
  readonly originOffset: string | null;
  readonly reason: string;
  readonly step: string;
  readonly code: string;
  readonly attempt: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Those that the record had where it came from. */
  readonly headers: Headers;
}

/** Reads `dead.v1`. */
export interface DeadLetters {
  /** The newest ones that pass, newest first; at most the last `backMax` of each partition are looked at. */
  newest(backMax: number, passes: (letter: DeadLetter) => boolean): Promise<readonly DeadLetter[]>;
  at(place: Place): Promise<DeadLetter | null>;
}

const ownNames: ReadonlySet<string> = new Set(Object.values(deadNames));

const letterOf = (record: InRecord): DeadLetter => {
  const text = (name: string): string | null => headerText(record.headers, name) ?? null;
  return {
    place: { partition: record.partition, offset: record.offset },
    atMs: record.timestampMs,
    account: text(deadNames.account),
    topic: text(deadNames.topic),
    originPartition: headerNumber(record.headers, deadNames.partition) ?? null,
    originOffset: text(deadNames.offset),
    reason: text(deadNames.reason) ?? '',
    step: text(deadNames.step) ?? '',
    code: text(deadNames.code) ?? '',
    attempt: headerNumber(record.headers, deadNames.attempt) ?? 1,
    key: record.key,
    value: record.value,
    headers: record.headers.filter(([name]) => !ownNames.has(name)),
  };
};

export const createDeadLetters = (messaging: Messaging, records: RecordReader): DeadLetters => {
  const readPartition = async (partition: number, end: bigint, backMax: number): Promise<DeadLetter[]> => {
    if (end === 0n) return [];
    const letters: DeadLetter[] = [];
    const done = Promise.withResolvers<null>();
    const back = BigInt(backMax);
    const reader = await messaging.own({
      topic: topics.dead,
      partition,
      from: end > back ? end - back : 'start',
      isolation: 'committed',
      onRecords: (batch) => {
        for (const record of batch) letters.push(letterOf(record));
      },
      onPosition: (position) => {
        if (position >= end) done.resolve(null);
      },
      onFailed: done.reject,
    });
    try {
      if (reader.position < end) await done.promise;
      return letters;
    } finally {
      await reader.close();
    }
  };
  return {
    newest: async (backMax, passes) => {
      const ends = await messaging.admin.endOffsets(topics.dead, 'committed');
      const letters = await Promise.all(
        ends.map(async (end, partition) => await readPartition(partition, end, backMax)),
      );
      return letters
        .flat()
        .filter(passes)
        .sort((a, b) => b.atMs - a.atMs);
    },
    at: async (place) => {
      const record = await records.read(topics.dead, place);
      return record === null ? null : letterOf(record);
    },
  };
};
