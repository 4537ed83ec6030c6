import { hash } from 'node:crypto';
import { type Headers, headerNumber, headerText } from '../../kernel/contracts/envelope.ts';
import { type RequestId, requestIdOf } from '../../kernel/ids.ts';
import type { InRecord } from '../../messaging/messaging.ts';
import type { Arrival, Origin } from '../router.ts';

/** Headers that a record carries while it waits for its next attempt; the original ones stay beside them. */
export const retryNames = {
  topic: 'retry.topic',
  partition: 'retry.partition',
  offset: 'retry.offset',
  attempt: 'retry.attempt',
  firstAt: 'retry.first-at',
} as const;

const prefix = 'retry.';

/** The headers that the publisher gave. */
export const originalHeaders = (headers: Headers): Headers => headers.filter(([name]) => !name.startsWith(prefix));

/** Reads where a record first stood and how often it was tried: from its retry headers, else it is new here. */
export const arrivalOf = (record: InRecord, isRetry: boolean): Arrival => {
  const fresh = { topic: record.topic, partition: record.partition, offset: record.offset };
  if (!isRetry) return { record, origin: fresh, attempt: 1, firstAtMs: record.timestampMs };
  const { headers } = record;
  const offset = headerText(headers, retryNames.offset);
  const origin: Origin = {
    topic: headerText(headers, retryNames.topic) ?? record.topic,
    partition: headerNumber(headers, retryNames.partition) ?? record.partition,
    offset: offset !== undefined && /^\d+$/.test(offset) ? BigInt(offset) : record.offset,
  };
  return {
    record,
    origin,
    attempt: headerNumber(headers, retryNames.attempt) ?? 2,
    firstAtMs: headerNumber(headers, retryNames.firstAt) ?? record.timestampMs,
  };
};

/** Headers of the record's next attempt. */
export const retryHeaders = (arrival: Arrival): Headers => {
  const text = (name: string, value: string): readonly [string, Buffer] => [name, Buffer.from(value)];
  return [
    ...originalHeaders(arrival.record.headers),
    text(retryNames.topic, arrival.origin.topic),
    text(retryNames.partition, String(arrival.origin.partition)),
    text(retryNames.offset, String(arrival.origin.offset)),
    text(retryNames.attempt, String(arrival.attempt + 1)),
    text(retryNames.firstAt, String(arrival.firstAtMs)),
  ];
};

/**
 * The request id of an inbox record: derived from where it first stood, so that reading it twice gives the same id
 * (a name-based UUID in the manner of RFC 9562 §5.8, over SHA-256).
 */
export const requestIdOfOrigin = ({ topic, partition, offset }: Origin): RequestId => {
  const hex = hash('sha256', `${topic}/${partition}/${offset}`, 'hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return requestIdOf(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
  );
};
