import type { Clock } from '../../kernel/clock.ts';
import { accountNameOf, requestIdOf } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Random } from '../../kernel/random.ts';
import { inboxTopic, platformTopics, requestsTopic, type Topic } from '../../kernel/topics.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { OutRecord } from '../../messaging/messaging.ts';
import { ingressErrors } from '../errors.ts';
import type { DeadLetter } from './dead-letters.ts';

export interface RedriveOptions {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly pools: readonly string[];
}

/** The record that is published for a dead letter; with the new id when it is a call. */
export interface Redriven {
  readonly record: OutRecord;
  readonly requestId: string | null;
}

const inboxName = /^inbox\.([a-z][a-z0-9_]{0,29})\.v1$/;

const topicOf = (letter: DeadLetter, pools: readonly string[]): Topic => {
  const account = inboxName.exec(letter.topic ?? '')?.[1];
  if (account !== undefined) return inboxTopic(accountNameOf(account));
  const topic = platformTopics(pools).find((each) => each.name === letter.topic);
  if (topic !== undefined) return topic;
  const message = `the letter is of no topic of this installation: ${letter.topic ?? 'it names none'}`;
  throw ingressErrors.BAD_REQUEST({ message });
};

/** A request had its one result when it was parked, so redriving it is a new call under an id of its own. */
const requestAgain = (letter: DeadLetter, pool: string, { codec, clock, random }: RedriveOptions): Redriven => {
  const { key, value, headers, place, originPartition } = letter;
  const origin = { topic: letter.topic ?? '', ...place, timestampMs: letter.atMs, key, value, headers };
  const id = requestIdOf(random.uuid());
  const acceptedAtMs = Math.round(clock.nowMs());
  const message = {
    ...codec.decode('request', origin),
    session: id,
    parent: null,
    replyPartition: null,
    idempotencyKey: null,
    stored: true,
    acceptedAtMs,
  };
  const record = codec.encode(requestsTopic(pool), message, {
    key,
    id,
    attempt: 1,
    deadlineMs: acceptedAtMs + limits.timeoutMaxS * 1000,
    ...(originPartition === null ? {} : { partition: originPartition }),
  });
  return { record, requestId: id };
};

/** What to publish so that a dead letter is worked on again: the original record, to its topic. Throws `INGRESS_BAD_REQUEST`. */
export const redriven = (letter: DeadLetter, options: RedriveOptions): Redriven => {
  const topic = topicOf(letter, options.pools);
  const pool = options.pools.find((each) => requestsTopic(each).name === topic.name);
  if (pool !== undefined) return requestAgain(letter, pool, options);
  const { key, value, headers } = letter;
  return { record: { topic, key, value, headers }, requestId: null };
};
