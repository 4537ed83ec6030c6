import { PlatformError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import { messagingErrors } from '../errors.ts';
import type { OutRecord } from '../messaging.ts';

/** True for errors that another attempt may repair. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof PlatformError && error.code === 'MESSAGING_UNAVAILABLE';

export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export const tooLarge = (record: OutRecord, sizeBytes: number): PlatformError =>
  messagingErrors.TOO_LARGE({
    message: `A record of ${sizeBytes} bytes for ${record.topic.name} exceeds ${limits.batchBytes}. Store the body as a blob and send its reference.`,
  });

export const tooLargeForTopic = (topic: string, cause: Error): PlatformError =>
  messagingErrors.TOO_LARGE({
    message: `The broker refused a record for ${topic} as too large. Raise the topic's max.message.bytes to 1 MiB.`,
    cause,
  });

export const queueFull = (): PlatformError =>
  messagingErrors.QUEUE_FULL({
    message: `More than ${limits.appendQueueRecords} records or ${limits.appendQueueBytes} bytes wait to be sent. Send less, or try again later.`,
  });

export const noPartition = (topic: string, partition: number, count: number): PlatformError =>
  messagingErrors.TOPIC_MISMATCH({
    message: `Topic ${topic} has ${count} partitions, so there is no partition ${partition}.`,
  });

export const topicMissing = (topic: string, cause: unknown): PlatformError =>
  messagingErrors.TOPIC_MISMATCH({
    message: `Topic ${topic} does not exist. Give the account its topics again, or have its answers sent elsewhere.`,
    cause,
  });

export const unsure = (topic: string): PlatformError =>
  messagingErrors.UNAVAILABLE({
    message: `A record for ${topic} was sent, but no broker acknowledged it in time. It may or may not be in the log.`,
  });

export const notSent = (topic: string): PlatformError =>
  messagingErrors.UNAVAILABLE({
    message: `A record for ${topic} could not be sent in time. Check that the brokers run.`,
  });
