import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '../../src/kernel/logger.ts';
import { connectRedis, type Redis } from '../../src/platform/redis/redis.ts';
import { freePortPair } from './free-ports.ts';

/** A Redis of its own for one test file; it writes nothing to disk. */
export interface RedisServer {
  readonly url: string;
  /** A connection of its own, with that prefix before its keys. */
  connect(keyPrefix: string): Promise<Redis>;
  /** Stops it where it stands: connections stay open and nobody answers. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

const patienceMs = 10_000;

/** Starts `redis-server`; resolves when it answers. */
export const startRedisServer = async (): Promise<RedisServer> => {
  const port = await freePortPair();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp'];
  const child = spawn('redis-server', words, { stdio: 'ignore' });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  const url = `redis://127.0.0.1:${port}`;
  const connect = async (keyPrefix: string): Promise<Redis> =>
    await connectRedis({ url, keyPrefix, logger: silentLogger });
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    try {
      (await connect('')).close();
      break;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await delay(20);
    }
  }
  return {
    url,
    connect,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
};
