import type { Clock } from '../../kernel/clock.ts';
import type { Topic } from '../../kernel/topics.ts';
import type { InRecord, Messaging, Place } from '../../messaging/messaging.ts';

export interface RecordReader {
  /** The committed record at that place; null when it is gone, was never committed, or does not come in time. */
  read(topic: Topic, place: Place): Promise<InRecord | null>;
}

const readWithinMs = 5_000;

/** Reads single records by their place. Reads are few (one per question about a stored answer): each opens a reader of its own. */
export const createRecordReader = (messaging: Messaging, clock: Clock): RecordReader => ({
  read: async (topic, place) => {
    const found = Promise.withResolvers<InRecord | null>();
    const cancel = clock.after(readWithinMs, () => {
      found.resolve(null);
    });
    const reader = await messaging.own({
      topic,
      partition: place.partition,
      from: place.offset,
      isolation: 'committed',
      onRecords: (records) => {
        const [first] = records;
        if (first !== undefined) found.resolve(first.offset === place.offset ? first : null);
      },
      onPosition: (position) => {
        if (position > place.offset) found.resolve(null);
      },
      onFailed: found.reject,
    });
    try {
      return await found.promise;
    } finally {
      cancel();
      await reader.close();
    }
  },
});
