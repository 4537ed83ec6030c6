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

/** The lines of one query on their way into its stream: first gathered, so that partitions mix by time, then as they come. */
const createLineWriter = (stream: PassThrough, query: LogQuery) => {
  let backlog: LogLine[] | null = [];

  const write = async (line: LogLine): Promise<void> => {
    if (stream.writableEnded || stream.destroyed) return;
    const text = query.format(line);
    const full = text !== '' && !stream.write(text);
    if (query.ends(line)) stream.end();
    else if (full) await new Promise<void>((resolve) => void stream.once('drain', resolve).once('close', resolve));
  };
  return {
    take: async (line: LogLine): Promise<void> => {
      if (backlog === null) await write(line);
      else backlog.push(line);
    },
    /** Everything that was there is gathered. May be called again. */
    caughtUp: async (): Promise<void> => {
      if (backlog === null) return;
      const lines = backlog.sort((a, b) => a.atMs - b.atMs);
      backlog = null;
      for (const line of lines) await write(line);
      if (!query.follow) stream.end();
    },
  };
};

/** One partition of a query. */
interface Part {
  readonly partition: number;
  readonly end: bigint;
  readonly query: LogQuery;
  take(line: LogLine): Promise<void>;
  reached(): Promise<void>;
  failed(): void;
}

const lineIn = (codec: Codec, record: InRecord, query: LogQuery): LogLine | null => {
  if (!query.acceptsKey(record.key)) return null;
  try {
    const line = codec.decode('log-line', record);
    return query.accepts(line) ? line : null;
  } catch {
    // Of another release: nothing that could be shown.
    return null;
  }
};

const openPart = async (messaging: Messaging, codec: Codec, part: Part): Promise<OwnReader> => {
  const { query, end } = part;
  const back = BigInt(query.backMax);
  const reader = await messaging.own({
    topic: topics.logs,
    partition: part.partition,
    from: end > back ? end - back : 'start',
    isolation: 'committed',
    onRecords: async (records) => {
      for (const record of records) {
        const line = lineIn(codec, record, query);
        if (line !== null) await part.take(line);
      }
    },
    onPosition: (position) => {
      if (position >= end) void part.reached();
    },
    onFailed: () => {
      part.failed();
    },
  });
  // A reader that begins at the end may not move for long.
  if (reader.position >= end) await part.reached();
  return reader;
};

export const createLogStreams = (messaging: Messaging, codec: Codec): LogStreams => ({
  open: async (query) => {
    const stream = new PassThrough({ highWaterMark: highWaterBytes });
    const writer = createLineWriter(stream, query);
    const ends = await messaging.admin.endOffsets(topics.logs, 'committed');
    const behind = new Set(ends.keys());
    const partOf = (end: bigint, partition: number): Part => ({
      partition,
      end,
      query,
      take: writer.take,
      reached: async () => {
        behind.delete(partition);
        if (behind.size === 0) await writer.caughtUp();
      },
      failed: () => void stream.destroy(),
    });
    const readers = await Promise.all(
      ends.map(async (end, partition) => await openPart(messaging, codec, partOf(end, partition))),
    );
    const close = (): void => void Promise.allSettled(readers.map(async (reader) => await reader.close()));
    if (stream.closed) close();
    else stream.once('close', close);
    return stream;
  },
});
