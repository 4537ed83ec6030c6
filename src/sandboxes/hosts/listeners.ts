import { type ChildProcess, spawn } from 'node:child_process';
import { Server } from 'node:net';
import type { Clock } from '../../kernel/clock.ts';
import { sandboxErrors } from '../errors.ts';
import type { PlannedHost } from './host-plan.ts';

/** A port of an allowed host, listened on inside a sandbox's network namespace by this process. */
export interface Listener {
  readonly name: string;
  readonly port: number;
  readonly server: Server;
}

/**
 * What runs in the namespace for a moment: a socket belongs for ever to the namespace that it was made in, whichever
 * process has it later. So they are made there, handed to us, and nothing of ours stays inside.
 */
const script = `
const { createServer } = require('node:net');
const places = JSON.parse(process.argv[1]);
let left = places.length;
for (const { name, address, port } of places) {
  const server = createServer();
  server.on('error', (error) => { console.error(error.message); process.exit(1); });
  server.listen({ host: address, port, backlog: 64 }, () => {
    process.send({ name, port }, server, {}, () => {
      left -= 1;
      if (left === 0) process.exit(0);
    });
  });
}
`;

const startTimeoutMs = 10_000;

const isPlace = (message: unknown): message is { readonly name: string; readonly port: number } =>
  typeof message === 'object' && message !== null && 'name' in message && 'port' in message;

const collect = async (child: ChildProcess, expected: number, clock: Clock): Promise<readonly Listener[]> => {
  const listeners: Listener[] = [];
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2_000);
  });
  return await new Promise((resolve, reject) => {
    const fail = (): void => {
      cancel();
      if (listeners.length === expected) return;
      for (const { server } of listeners) server.close();
      const reason = said.trim() || 'no reason given';
      reject(sandboxErrors.START_FAILED({ message: `The hosts of a sandbox could not be opened: ${reason}` }));
    };
    const cancel = clock.after(startTimeoutMs, fail);
    child.on('message', (message: unknown, server: unknown) => {
      if (!isPlace(message) || !(server instanceof Server)) return;
      listeners.push({ ...message, server });
      if (listeners.length < expected) return;
      cancel();
      resolve(listeners);
    });
    child.once('error', fail);
    child.once('close', fail);
  });
};

/**
 * Listens for these hosts in a namespace. `entrance`: words before a command that runs it there, able to bind any port.
 * Throws `SANDBOX_START_FAILED`.
 */
export const openListeners = async (
  entrance: readonly string[],
  hosts: readonly PlannedHost[],
  clock: Clock,
): Promise<readonly Listener[]> => {
  const places = hosts.flatMap(({ name, address, ports }) => ports.map((port) => ({ name, address, port })));
  if (places.length === 0) return [];
  const [file, ...words] = [...entrance, process.execPath, '-e', script, JSON.stringify(places)];
  const child = spawn(file, words, { env: {}, cwd: '/', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  try {
    return await collect(child, places.length, clock);
  } finally {
    child.kill('SIGKILL');
  }
};
