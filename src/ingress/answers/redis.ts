import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Redis, RedisScript } from '../../platform/redis/redis.ts';
import { type AcceptedCall, type Answers, type KnownCall, resultGraceMs } from './answers.ts';
import { createPendingFinishes, type Finish } from './pending-finishes.ts';

export interface RedisAnswersOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  /** Calls begun here whose end is still to come, at most; the oldest are forgotten here first. */
  readonly queuedMax: number;
  /** Redis has been away for so long that results are missing in the index: begin anew and fill it from the log. */
  onLost(error: Error): void;
}

/** `KEYS[1]` becomes `ARGV[1]` for `ARGV[2]` ms, unless it names another call than `ARGV[3]`, which is then returned. */
const claim: RedisScript = {
  name: 'millraceClaim',
  keyCount: 1,
  text: `
local earlier = redis.call('GET', KEYS[1])
if earlier and earlier ~= ARGV[3] then return earlier end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`,
};

/** Removes `KEYS[1]` if it is `ARGV[1]`. */
const release: RedisScript = {
  name: 'millraceRelease',
  keyCount: 1,
  text: `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`,
};

const callKey = (id: string): string => `answers:${id}`;
const idempotencyKeyOf = (account: string, key: string): string => `answer-keys:${account}\u0000${key}`;

const finishedText = ({ place }: Finish): string =>
  JSON.stringify({ partition: place.partition, offset: place.offset.toString() });

/** Entries are written by this module alone: a queued call as it is, a finished one as its place. */
const parse = (id: string, text: string): KnownCall => {
  const entry = JSON.parse(text) as AcceptedCall | { readonly partition: number; readonly offset: string };
  if (!('offset' in entry)) return { kind: 'queued', call: entry };
  return { kind: 'finished', id, place: { partition: entry.partition, offset: BigInt(entry.offset) } };
};

/** Calls that were begun here: for what has to be answered at once. */
const createBegun = ({ clock, queuedMax }: RedisAnswersOptions) => {
  const calls = new Map<string, AcceptedCall>();
  return {
    calls,
    add: (call: AcceptedCall): void => {
      calls.set(call.id, call);
      for (const [id, { deadlineMs }] of calls) {
        if (calls.size <= queuedMax && deadlineMs + resultGraceMs >= clock.nowMs()) break;
        calls.delete(id);
      }
    },
  };
};

const createEntries = (redis: Redis, clock: Clock) => ({
  known: async (id: string): Promise<KnownCall | null> => {
    const text = await redis.get(callKey(id));
    return text === null ? null : parse(id, text);
  },
  /** Null when the key is the call's now; otherwise the id of the call that has it. */
  claim: async (call: AcceptedCall, key: string, instead: string): Promise<string | null> => {
    const keptMs = Math.max(1, call.deadlineMs + resultGraceMs - clock.nowMs());
    const earlier = await redis.run(claim, [key], [call.id, Math.round(keptMs), instead]);
    return typeof earlier === 'string' ? earlier : null;
  },
  writeQueued: async (call: AcceptedCall): Promise<void> => {
    await redis.set(callKey(call.id), JSON.stringify(call), call.deadlineMs + resultGraceMs - clock.nowMs());
  },
  writeFinished: async (finish: Finish): Promise<void> => {
    const { id, key } = finish;
    const entry = redis.set(callKey(id), finishedText(finish), limits.answersKeptMs);
    const named =
      key === null ? entry : redis.set(idempotencyKeyOf(key.account, key.idempotencyKey), id, limits.answersKeptMs);
    await Promise.all([entry, named]);
  },
});

const claimsMax = 5;

/**
 * The index in a Redis that all replicas share, so that a key that was used at one is known at the others at once. Every
 * replica fills it from the log as well: a Redis that lost everything has all finished calls again when one starts. While
 * Redis is away, calls that would have to be remembered are refused with `REDIS_UNAVAILABLE`.
 */
export const createRedisAnswers = (options: RedisAnswersOptions): Answers => {
  const { redis, clock } = options;
  const begun = createBegun(options);
  const entries = createEntries(redis, clock);
  const pending = createPendingFinishes({
    clock,
    write: entries.writeFinished,
    onOverflow: () => {
      options.onLost(new Error('Redis has been away for too long: the index of stored answers is not complete'));
    },
  });
  const known = async (id: string): Promise<KnownCall | null> => {
    const told = pending.get(id);
    return told === undefined ? await entries.known(id) : { kind: 'finished', id, place: told.place };
  };
  /** The call that has the key already; null when it is this one's now. */
  const earlierOf = async (call: AcceptedCall, key: string): Promise<KnownCall | null> => {
    let gone = '';
    for (let attempt = 0; attempt < claimsMax; attempt += 1) {
      const id = await entries.claim(call, key, gone);
      if (id === null) return null;
      const earlier = await known(id);
      if (earlier !== null) return earlier;
      // It was forgotten, or is over without a result: its key is free.
      gone = id;
    }
    throw new Error(`the key of call ${call.id} changes hands without end`);
  };

  return {
    begin: async (call) => {
      // The entry first: who finds the key is to find the call.
      await entries.writeQueued(call);
      if (call.idempotencyKey !== null) {
        const earlier = await earlierOf(call, idempotencyKeyOf(call.account, call.idempotencyKey));
        if (earlier !== null) {
          await redis.remove(callKey(call.id));
          return earlier;
        }
      }
      begun.add(call);
      return null;
    },
    forget: async (id) => {
      const call = begun.calls.get(id);
      if (call === undefined) return;
      begun.calls.delete(id);
      await redis.remove(callKey(id));
      if (call.idempotencyKey === null) return;
      await redis.run(release, [idempotencyKeyOf(call.account, call.idempotencyKey)], [id]);
    },
    finish: (id, place, key) => {
      begun.calls.delete(id);
      pending.add({ id, place, key });
    },
    byId: known,
    isQueued: (id) => begun.calls.has(id),
    close: async () => await pending.close(),
  };
};
