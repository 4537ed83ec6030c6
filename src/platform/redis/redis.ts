import { Redis as Client } from 'ioredis';
import type { Logger } from '../../kernel/logger.ts';
import { redisErrors } from './errors.ts';

/** A step that Redis does as one: Lua, with its keys in `KEYS` and its words in `ARGV`. */
export interface RedisScript {
  /** Distinct among the scripts of a process. */
  readonly name: string;
  readonly keyCount: number;
  readonly text: string;
}

/** A Redis that several processes share. Nothing in it is the only copy of anything. */
export interface Redis {
  /**
   * Runs a script; commands of one tick travel together. Rejects with `REDIS_UNAVAILABLE` within two seconds when it
   * does not answer, at once while there is no connection.
   */
  run(script: RedisScript, keys: readonly string[], words: readonly (string | number)[]): Promise<unknown>;
  /** The value of a key; null when there is none. Rejects as {@link Redis.run}. */
  get(key: string): Promise<string | null>;
  /** Sets a key for so long. Rejects as {@link Redis.run}. */
  set(key: string, value: string, keptMs: number): Promise<void>;
  /** Removes a key; an absent one is no error. Rejects as {@link Redis.run}. */
  remove(key: string): Promise<void>;
  /** Ends the connection; what is under way rejects. May be called twice. */
  close(): void;
}

export interface RedisOptions {
  /** `redis://` or `rediss://` (TLS), with user and password where they are needed. */
  readonly url: string;
  /** Put before every key, so that installations share a Redis. */
  readonly keyPrefix: string;
  readonly logger: Logger;
}

const answerWithinMs = 2_000;
const connectWithinMs = 3_000;
const reconnectMsMax = 1_000;

const createClient = ({ url, keyPrefix }: RedisOptions): Client =>
  new Client(url, {
    keyPrefix,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    connectTimeout: connectWithinMs,
    commandTimeout: answerWithinMs,
    retryStrategy: (attempt) => Math.min(reconnectMsMax, 20 * 2 ** Math.min(attempt, 10)),
  });

/** Connects; throws `REDIS_UNAVAILABLE` when it cannot. Later it connects again by itself. */
export const connectRedis = async (options: RedisOptions): Promise<Redis> => {
  const { logger } = options;
  const client = createClient(options);
  const unavailable = (cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    return redisErrors.UNAVAILABLE({ message: `Redis does not answer: ${why}`, cause });
  };
  const reached = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      throw unavailable(error);
    }
  };
  let away = false;
  client.on('error', (error: Error) => {
    if (!away) logger.warn({ event: 'redis.away', error: error.message });
    away = true;
  });
  client.on('ready', () => {
    if (away) logger.info({ event: 'redis.back' });
    away = false;
  });
  const known = new Set<string>();
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw unavailable(error);
  }
  return {
    run: async ({ name, keyCount, text }, keys, words) => {
      if (!known.has(name)) client.defineCommand(name, { numberOfKeys: keyCount, lua: text });
      known.add(name);
      // `as`: the client makes a method of each script, which its types cannot know.
      const call = Reflect.get(client, name) as (...all: (string | number)[]) => Promise<unknown>;
      return await reached(call.apply(client, [...keys, ...words]));
    },
    get: async (key) => await reached(client.get(key)),
    set: async (key, value, keptMs) => {
      await reached(client.set(key, value, 'PX', Math.max(1, Math.round(keptMs))));
    },
    remove: async (key) => {
      await reached(client.del(key));
    },
    close: () => {
      client.disconnect();
    },
  };
};
