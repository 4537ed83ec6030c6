import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryPlaces } from '../../src/ingress/places/memory.ts';
import type { Places } from '../../src/ingress/places/places.ts';
import { createRedisPlaces } from '../../src/ingress/places/redis.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Redis } from '../../src/platform/redis/redis.ts';
import { placesConformance } from '../conformance/places.ts';
import { type RedisServer, startRedisServer } from '../helpers/redis-server.ts';

let server: RedisServer;
const connections: Redis[] = [];
let prefixes = 0;

/** A replica; `replica` and `max` as the others of its installation, which is named by `prefix`. */
const join = async (prefix: string, replica: string, max: number): Promise<Places & { readonly redis: Redis }> => {
  const redis = await server.connect(prefix);
  connections.push(redis);
  return {
    ...createRedisPlaces({ redis, clock: systemClock, logger: silentLogger, max, replica, counted: 'calls' }),
    redis,
  };
};
const newPrefix = (): string => `test-${(prefixes += 1)}:`;

const takes = async (places: Places, count: number): Promise<number> => {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, async () => await places.take('ada')));
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
};

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(async () => {
  for (const redis of connections) redis.close();
  await server.stop();
});

placesConformance('memory', async (max) => await Promise.resolve(createMemoryPlaces({ max })));
placesConformance('redis', async (max) => await join(newPrefix(), 'one', max));

describe('places: several replicas on one Redis', () => {
  it('share the places of an account, and never have more than there are', async () => {
    const prefix = newPrefix();
    const replicas = await Promise.all(['one', 'two', 'three'].map(async (name) => await join(prefix, name, 20)));
    const taken = await Promise.all(replicas.map(async (each) => await takes(each, 20)));
    expect(taken.reduce((sum, each) => sum + each, 0)).toBe(20);
    await Promise.all(replicas.map(async (each) => await each.close()));
  });

  it('answer most calls without asking: what was leased in reserve is taken at once', async () => {
    const places = await join(newPrefix(), 'one', 80);
    await places.take('ada');
    expect(places.take('ada')).toBeUndefined();
    await places.close();
  });

  it('get what another holds in reserve within seconds', async () => {
    const prefix = newPrefix();
    const [one, two] = [await join(prefix, 'one', 8), await join(prefix, 'two', 8)];
    expect(await takes(one, 4)).toBe(4);
    let taken = 0;
    await expect.poll(async () => (taken += await takes(two, 4 - taken)), { timeout: 4_000, interval: 100 }).toBe(4);
    expect(await takes(two, 1)).toBe(0);
    await Promise.all([one.close(), two.close()]);
  });

  it('get the places of one that died when its lease is over', async () => {
    const prefix = newPrefix();
    const [dying, other] = [await join(prefix, 'one', 4), await join(prefix, 'two', 4)];
    expect(await takes(dying, 4)).toBe(4);
    expect(await takes(other, 1)).toBe(0);
    // As a killed process: it renews nothing and gives nothing back.
    dying.redis.close();
    await expect.poll(async () => await takes(other, 1), { timeout: 6_000, interval: 100 }).toBe(1);
    await other.close();
  });

  it('get the places of one that stops at once', async () => {
    const prefix = newPrefix();
    const [stopping, other] = [await join(prefix, 'one', 4), await join(prefix, 'two', 4)];
    expect(await takes(stopping, 4)).toBe(4);
    await stopping.close();
    expect(await takes(other, 5)).toBe(4);
    await other.close();
  });

  it('keep a lease for as long as their calls run', async () => {
    const prefix = newPrefix();
    const [one, two] = [await join(prefix, 'one', 2), await join(prefix, 'two', 2)];
    expect(await takes(one, 2)).toBe(2);
    const sinceMs = performance.now();
    await expect
      .poll(
        async () => {
          expect(await takes(two, 1)).toBe(0);
          return performance.now() - sinceMs;
        },
        { timeout: 6_000, interval: 250 },
      )
      .toBeGreaterThan(4_000);
    await Promise.all([one.close(), two.close()]);
  });

  it('count for themselves while Redis is away, and together again when it is back', async () => {
    const prefix = newPrefix();
    const [one, two] = [await join(prefix, 'one', 3), await join(prefix, 'two', 3)];
    expect(await takes(one, 3)).toBe(3);
    server.pause();
    expect(await takes(two, 4)).toBe(3);
    server.resume();
    for (let call = 0; call < 3; call += 1) two.giveBack('ada');
    await expect.poll(async () => await takes(two, 1), { timeout: 6_000, interval: 100 }).toBe(0);
    await Promise.all([one.close(), two.close()]);
  });
});
