import { PassThrough } from 'node:stream';
import type { LogLine } from '../../kernel/contracts/contracts.gen.ts';
import { topics } from '../../kernel/topics.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { InRecord, Messaging, OwnReader } from '../../messaging/messaging.ts';

export interface LogQuery {
  /** Records looked at per partition before the present end. */
  readonly backMax: number;
  /** False: ends when the present end is reached. */
  readonly follow: boolean;
  /** Cheap look at a record before it is decoded. */
  acceptsKey(key: Buffer | null): boolean;
  accepts(line: LogLine): boolean;
  format(line: LogLine): string;
  /** True when a line ends the stream though it follows. */
  ends(line: LogLine): boolean;
}

/** Reads `logs.v1`. */
export interface LogStreams {
  /**
   * A text stream: what is in the log already, by time, then what comes. Ends by itself, or destroy it. The reader
   * waits while the stream is full.
   */
  open(query: LogQuery): Promise<PassThrough>;
}

const highWaterBytes = 256 * 1024;

export const createLogStreams = (messaging: Messaging, codec: Codec): LogStreams => {
  const lineIn = (record: InRecord, query: LogQuery): LogLine | null => {
    if (!query.acceptsKey(record.key)) return null;
    try {
      const line = codec.decode('log-line', record);
      return query.accepts(line) ? line : null;
    } catch {
      // Of another release: nothing that could be shown.
      return null;
    }
  };

  const open = async (query: LogQuery): Promise<PassThrough> => {
    const stream = new PassThrough({ highWaterMark: highWaterBytes });
    const ends = await messaging.admin.endOffsets(topics.logs, 'committed');
    const readers: OwnReader[] = [];
    const behind = new Set(ends.flatMap((end, partition) => (end > 0n ? [partition] : [])));
    let backlog: LogLine[] | null = [];
    let ended = false;

    const write = async (line: LogLine): Promise<void> => {
      if (ended || stream.destroyed) return;
      const text = query.format(line);
      const full = text !== '' && !stream.write(text);
      if (query.ends(line)) finish();
      else if (full) await new Promise<void>((resolve) => void stream.once('drain', resolve).once('close', resolve));
    };
    const finish = (): void => {
      if (ended) return;
      ended = true;
      stream.end();
    };
    const caughtUp = async (partition: number): Promise<void> => {
      behind.delete(partition);
      if (behind.size > 0 || backlog === null) return;
      const lines = backlog.sort((a, b) => a.atMs - b.atMs);
      backlog = null;
      for (const line of lines) await write(line);
      if (!query.follow) finish();
    };
    const take = async (records: readonly InRecord[], partition: number): Promise<void> => {
      for (const record of records) {
        const line = lineIn(record, query);
        if (line === null) continue;
        if (backlog === null) await write(line);
        else backlog.push(line);
      }
      const last = records.at(-1);
      if (last !== undefined && last.offset + 1n >= (ends[partition] ?? 0n)) await caughtUp(partition);
    };
    const openPartition = async (end: bigint, partition: number): Promise<void> => {
      const back = BigInt(query.backMax);
      readers.push(
        await messaging.own({
          topic: topics.logs,
          partition,
          from: end > back ? end - back : 'start',
          isolation: 'committed',
          onRecords: async (records) => await take(records, partition),
          onPosition: (position) => {
            if (position >= end && behind.has(partition)) void caughtUp(partition);
          },
          onFailed: () => stream.destroy(),
        }),
      );
    };
    stream.once('close', () => {
      ended = true;
      void Promise.allSettled(readers.map(async (reader) => await reader.close()));
    });
    await Promise.all(ends.map(async (end, partition) => await openPartition(end, partition)));
    if (behind.size === 0 && backlog !== null) {
      backlog = null;
      if (!query.follow) finish();
    }
    return stream;
  };
  return { open };
};
