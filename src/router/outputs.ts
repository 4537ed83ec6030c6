import { deadNames, type Headers } from '../kernel/contracts/envelope.ts';
import { limits } from '../kernel/limits.ts';
import { requestsTopic, retryTopic, topics } from '../kernel/topics.ts';
import type { Codec } from '../messaging/codec.ts';
import type { OutRecord } from '../messaging/messaging.ts';
import { originalHeaders, retryHeaders } from './core/origin.ts';
import { nextDelay } from './core/retry-policy.ts';
import type { Arrival, Placement } from './router.ts';

const day = 24 * 3600 * 1000;

/** The request of a placed record. */
export const requestOutput = (codec: Codec, placement: Placement): OutRecord => {
  const { account, resolved, id, record, firstAtMs } = placement;
  const { algorithm, build, version } = resolved;
  const message = {
    algorithmId: algorithm.id,
    algorithm: `${algorithm.owner}/${algorithm.label}`,
    build: build.hash,
    version: version?.semantic ?? null,
    account: account.name,
    keyId: placement.keyId,
    origin: 'inbox',
    parent: null,
    session: id,
    flow: null,
    causation: placement.senderId,
    replyPartition: null,
    replyAccount: account.name,
    stored: true,
    idempotencyKey: null,
    wantsStdout: false,
    acceptedAtMs: record.timestampMs,
    contentType: placement.contentType,
    ...placement.body,
  } as const;
  return codec.encode(requestsTopic(placement.pool), message, {
    key: placement.lane,
    partition: placement.partition,
    id,
    attempt: 1,
    deadlineMs: firstAtMs + day,
    ...(placement.traceparent === undefined ? {} : { traceparent: placement.traceparent }),
  });
};

/** Why a record is parked. */
export interface Fault {
  readonly reason: string;
  readonly step: string;
  readonly code: string;
}

/** What a batch of one record needs beside the record's parts. */
const frameBytes = 1_024;
const lengthsBytes = 12;

/** Outsiders may publish records that are larger than what we publish: the broker's bound is above ours. */
const fits = ({ key, value, headers }: OutRecord): boolean => {
  const parts = headers.flatMap(([name, text]) => [Buffer.byteLength(name), text.length]);
  const bytes = parts.reduce((sum, each) => sum + each + lengthsBytes, (key?.length ?? 0) + (value?.length ?? 0));
  return bytes <= limits.batchBytes - frameBytes;
};

/**
 * The dead letter of a record: its original bytes, key and headers, and why, where and how often it was tried. One
 * that is too large for that is only named.
 */
export const deadOutput = (arrival: Arrival, fault: Fault, atMs: number): OutRecord => {
  const { record, origin } = arrival;
  const context: Headers = [
    [deadNames.reason, Buffer.from(fault.reason)],
    [deadNames.step, Buffer.from(fault.step)],
    [deadNames.code, Buffer.from(fault.code)],
    [deadNames.attempt, Buffer.from(String(arrival.attempt))],
    [deadNames.at, Buffer.from(String(atMs))],
    [deadNames.firstAt, Buffer.from(String(arrival.firstAtMs))],
    [deadNames.topic, Buffer.from(origin.topic)],
    [deadNames.partition, Buffer.from(String(origin.partition))],
    [deadNames.offset, Buffer.from(String(origin.offset))],
    [deadNames.account, Buffer.from(accountOfInbox(origin.topic) ?? '')],
  ];
  const kept = originalHeaders(record.headers).filter(([name]) => !name.startsWith('dead.'));
  const letter = { topic: topics.dead, key: record.key, value: record.value, headers: [...kept, ...context] };
  return fits(letter) ? letter : { topic: topics.dead, key: null, value: null, headers: context };
};

/** The record's next attempt, or its dead letter when it was tried often enough or is too large to wait. */
export const retryOutput = (arrival: Arrival, fault: Fault & { readonly afterMs: number }, atMs: number): OutRecord => {
  const delay = nextDelay(arrival.attempt, fault.afterMs);
  if (delay === null) return deadOutput(arrival, fault, atMs);
  const { key, value } = arrival.record;
  const again = { topic: retryTopic(delay.name), key, value, headers: retryHeaders(arrival) };
  if (fits(again)) return again;
  return deadOutput(
    arrival,
    { ...fault, reason: `${fault.reason}; it is too large to wait for another attempt` },
    atMs,
  );
};

const inboxPattern = /^inbox\.(.+)\.v1$/;

/** The account whose inbox a topic is; null for other topics. */
export const accountOfInbox = (topic: string): string | null => inboxPattern.exec(topic)?.[1] ?? null;
