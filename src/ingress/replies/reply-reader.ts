import type { Result } from '../../kernel/contracts/contracts.gen.ts';
import { headerNames, headerText } from '../../kernel/contracts/envelope.ts';
import type { Logger } from '../../kernel/logger.ts';
import { topics } from '../../kernel/topics.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { InRecord, Messaging, OwnReader, Place } from '../../messaging/messaging.ts';
import type { WaitingCalls } from './waiting.ts';

export interface ReplyReaderOptions {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly waiting: WaitingCalls;
  readonly logger: Logger;
  /** Partition of the results topic that this replica waits on. Others may wait on it too: unknown ids are dropped. */
  readonly partition: number;
  /** True for ids whose result is to be remembered though nobody waits for it any more. */
  isAwaited(id: string): boolean;
  /** A result that was waited for or awaited, and where it stands. The place may belong to a transaction that aborts: then the result comes again. */
  onSeen(id: string, result: Result, place: Place): void;
  onFailed(error: Error): void;
}

/** Reads, uncommitted and from the end, the results that callers of this replica wait for. Resolves when reading has begun. */
export const openReplyReader = async (options: ReplyReaderOptions): Promise<OwnReader> => {
  const { messaging, codec, waiting, logger } = options;

  const decode = (record: InRecord, id: string): Result | null => {
    try {
      return codec.decode('result', record);
    } catch (error) {
      logger.error({
        event: 'reply.undecodable',
        id,
        partition: record.partition,
        offset: record.offset.toString(),
        err: error,
      });
      return null;
    }
  };
  const take = (record: InRecord): void => {
    const id = headerText(record.headers, headerNames.id);
    if (id === undefined) return;
    const awaited = options.isAwaited(id);
    if (!awaited && !waiting.has(id)) return;
    const result = decode(record, id);
    if (result === null) return;
    if (awaited) options.onSeen(id, result, { partition: record.partition, offset: record.offset });
    waiting.take(id)?.onResult(result);
  };

  return await messaging.own({
    topic: topics.results,
    partition: options.partition,
    from: 'end',
    isolation: 'uncommitted',
    onRecords: (records) => {
      for (const record of records) take(record);
    },
    onFailed: (error) => {
      options.onFailed(error);
    },
  });
};
