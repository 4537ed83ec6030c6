import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** An operating-system process of the platform under test. */
export interface ChaosProcess {
  readonly name: string;
  /** Process id; undefined while it is down. */
  readonly pid: number | undefined;
  /** Starts it; resolves when it says that it is ready. */
  start(): Promise<void>;
  /** `kill -9`. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has ended in order. */
  terminate(): Promise<void>;
  /** Resolves when it ended by itself. */
  ended(): Promise<void>;
  /** What it logged so far: one object a line. */
  log(): readonly Readonly<Record<string, unknown>>[];
}

export interface ChaosProcessOptions {
  readonly name: string;
  readonly script: string;
  readonly words: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly logFile: string;
}

const setpriv = '/usr/bin/setpriv';
const startTimeoutMs = 60_000;

const readLines = (file: string): readonly string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);

const parse = (line: string): Readonly<Record<string, unknown>>[] => {
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return line.trim() === '' ? [] : [{ text: line }];
  }
};

const launch = ({ script, words, variables, logFile }: ChaosProcessOptions): ChildProcess => {
  const own = [process.execPath, script, ...words];
  // Should the tests be killed, what they started goes with them.
  const [program = '', ...rest] = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', ...own] : own;
  const log = openSync(logFile, 'a');
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...variables };
  const child = spawn(program, rest, { env, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  return child;
};

/** Prepares a process; it does not run before `start`. */
export const createChaosProcess = (options: ChaosProcessOptions): ChaosProcess => {
  let child: ChildProcess | null = null;
  let exited: Promise<unknown> = Promise.resolve();
  const isUp = (): boolean => child !== null && child.exitCode === null && child.signalCode === null;
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (isUp()) child?.kill(signal);
    await exited;
  };
  return {
    name: options.name,
    get pid() {
      return isUp() ? child?.pid : undefined;
    },
    start: async () => {
      const started = launch(options);
      child = started;
      exited = once(started, 'exit');
      const ready = once(started, 'message').then(() => 'ready');
      const first = await Promise.race([ready, exited.then(() => 'ended'), delay(startTimeoutMs, 'late')]);
      if (first === 'ready') return;
      const lines = readLines(options.logFile).slice(-10).join('\n');
      throw new Error(`${options.name} is not ready: ${first}\n${lines}`);
    },
    kill: async () => await end('SIGKILL'),
    terminate: async () => await end('SIGTERM'),
    ended: async () => {
      await exited;
    },
    log: () => readLines(options.logFile).flatMap(parse),
  };
};
