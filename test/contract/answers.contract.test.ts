import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedCall, Answers } from '../../src/ingress/answers/answers.ts';
import { createMemoryAnswers } from '../../src/ingress/answers/memory.ts';
import { createRedisAnswers } from '../../src/ingress/answers/redis.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Redis, RedisScript } from '../../src/platform/redis/redis.ts';
import { answersConformance } from '../conformance/answers.ts';
import { type RedisServer, startRedisServer } from '../helpers/redis-server.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

let server: RedisServer;
const connections: Redis[] = [];
let prefixes = 0;
const newPrefix = (): string => `test-${(prefixes += 1)}:`;

const join = async (prefix: string): Promise<{ readonly answers: Answers; readonly redis: Redis }> => {
  const redis = await server.connect(prefix);
  connections.push(redis);
  const onLost = (error: Error): void => {
    throw error;
  };
  return { answers: createRedisAnswers({ redis, clock: systemClock, queuedMax: 100, onLost }), redis };
};

/** Brings the end of every key nearer: time passes for Redis alone. */
const pass: RedisScript = {
  name: 'testPass',
  keyCount: 0,
  text: `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then
    if left <= tonumber(ARGV[1]) then redis.call('DEL', key) else redis.call('PEXPIRE', key, left - ARGV[1]) end
  end
end`,
};

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(async () => {
  for (const redis of connections) redis.close();
  await server.stop();
});

answersConformance('memory', async () => {
  const clock = createVirtualClock();
  const answers = createMemoryAnswers({ clock, finishedMax: 100, queuedMax: 100 });
  return await Promise.resolve({
    answers,
    nowMs: () => clock.nowMs(),
    pass: async (durationMs) => await clock.advance(durationMs),
  });
});

answersConformance('redis', async () => {
  const { answers, redis } = await join(newPrefix());
  return {
    answers,
    nowMs: () => systemClock.nowMs(),
    pass: async (durationMs) => {
      await redis.run(pass, [], [durationMs]);
    },
  };
});

const call = (id: string, idempotencyKey: string | null): AcceptedCall => {
  const acceptedAtMs = Math.round(systemClock.nowMs());
  const about = { account: 'ada', algorithm: 'ada/echo', build: 'b1', version: null };
  return { id, idempotencyKey, ...about, acceptedAtMs, deadlineMs: acceptedAtMs + 10_000 };
};
const place = { partition: 3, offset: 7n };

describe('answers: several replicas on one Redis', () => {
  it('give a key to one call of all of them, and tell each other what they know', async () => {
    const prefix = newPrefix();
    const [one, two] = [await join(prefix), await join(prefix)];
    expect(await one.answers.begin(call('one', 'k'))).toBeNull();
    expect(await two.answers.begin(call('two', 'k'))).toMatchObject({ kind: 'queued', call: { id: 'one' } });
    expect(two.answers.isQueued('one')).toBe(false);
    two.answers.finish('one', place, { account: 'ada', idempotencyKey: 'k' });
    await two.answers.close();
    expect(await one.answers.byId('one')).toEqual({ kind: 'finished', id: 'one', place });
    expect(await one.answers.begin(call('three', 'k'))).toEqual({ kind: 'finished', id: 'one', place });
  });

  it('refuse to begin while Redis is away, and write what finished meanwhile when it is back', async () => {
    const { answers } = await join(newPrefix());
    await answers.begin(call('one', null));
    server.pause();
    const failure = await answers.begin(call('two', 'k')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'REDIS_UNAVAILABLE', kind: 'unavailable' });
    answers.finish('one', place, null);
    expect(await answers.byId('one')).toMatchObject({ kind: 'finished' });
    server.resume();
    await expect.poll(async () => await answers.begin(call('three', 'k2')), { timeout: 5_000 }).toBeNull();
    await answers.close();
    expect(await answers.byId('one')).toEqual({ kind: 'finished', id: 'one', place });
  });
});
