import type { Clock } from '../kernel/clock.ts';
import type { LogStream } from '../kernel/contracts/contracts.gen.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Appender } from '../messaging/messaging.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import type { BuildLog, BuildOrder } from './builder.ts';

const sendEveryMs = 100;
const keptBytesMax = 8 * 1024 * 1024;

export interface BuildLogDeps {
  readonly appender: Appender;
  readonly codec: Codec;
  readonly blobs: Blobs;
  readonly clock: Clock;
}

/** Lines of a build on their way: gathered for a tenth of a second, then one record per stream that wrote. */
export const createBuildLog = (deps: BuildLogDeps, order: BuildOrder): BuildLog => {
  const { appender, codec, blobs, clock } = deps;
  const kept: string[] = [];
  let keptBytes = 0;
  let waiting: { stream: LogStream; text: string }[] = [];
  let cancelTimer: (() => void) | null = null;
  let sent: Promise<unknown> = Promise.resolve();

  const append = (stream: LogStream, text: string, last: boolean): void => {
    const line = {
      subject: 'build',
      subjectId: order.hash,
      algorithmId: order.algorithmId,
      atMs: clock.nowMs(),
      stream,
      text,
      last,
    } as const;
    const record = codec.encode(topics.logs, line, { key: order.hash });
    // A lost line of a live log is not worth failing a build for: the whole log is in the blob.
    sent = Promise.all([sent, appender.append(record).catch(() => null)]);
  };
  const flush = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    const lines = waiting;
    waiting = [];
    for (const { stream, text } of lines) append(stream, text, false);
  };
  return {
    write: (stream, text) => {
      if (text === '') return;
      const previous = waiting.at(-1);
      if (previous?.stream === stream) previous.text += text;
      else waiting.push({ stream, text });
      cancelTimer ??= clock.after(sendEveryMs, flush);
      if (keptBytes > keptBytesMax) return;
      keptBytes += text.length;
      kept.push(keptBytes > keptBytesMax ? '[the log is longer than 8 MiB: the rest is left out]\n' : text);
    },
    tail: (lines) => kept.slice(-200).join('').trimEnd().split('\n').slice(-lines).join('\n'),
    end: async () => {
      flush();
      append('platform', '', true);
      const key = `builds/${order.algorithmId}/${order.hash}.log`;
      await blobs.put(key, Buffer.from(kept.join('')));
      await sent;
      return key;
    },
  };
};
