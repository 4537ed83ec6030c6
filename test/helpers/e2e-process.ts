import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** `millrace up` as a process of its own, with nothing but the variables that a test gives it. */
export interface E2eProcess {
  readonly pid: number;
  readonly address: string;
  readonly adminKey: string;
  /** Milliseconds from the start of the process until it said that it is ready. */
  readonly startedInMs: number;
  /** What it printed so far. */
  printed(): string;
  /** Sends a signal; resolves with the exit code when it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

export type E2eVariables = Readonly<Record<string, string>>;

export const repository = resolve(import.meta.dirname, '../..');
const setpriv = '/usr/bin/setpriv';

const launch = (variables: E2eVariables): { readonly child: ChildProcess; readonly printed: () => string } => {
  const own = [process.execPath, join(repository, 'src/apps/all.ts')];
  // Should the tests be killed, what they started goes with them.
  const [program = '', ...words] = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', ...own] : own;
  const child = spawn(program, words, {
    cwd: repository,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...variables },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return { child, printed: () => text };
};

/** Starts the platform; resolves when it is ready. Throws with what it printed when it ends before. */
export const startE2eProcess = async (variables: E2eVariables): Promise<E2eProcess> => {
  const begin = performance.now();
  const { child, printed } = launch(variables);
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null);
  const ready = once(child, 'message').then(([message]: unknown[]) => message);
  const first = await Promise.race([ready, exited.then(() => null)]);
  if (first === null) throw new Error(`the platform did not start:\n${printed()}`);
  // `as`: what `src/apps/all.ts` sends.
  const { address, key } = first as { readonly address: string; readonly key: string };
  return {
    pid: child.pid ?? 0,
    address,
    adminKey: key,
    startedInMs: performance.now() - begin,
    printed,
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return await exited;
    },
  };
};

/** Starts what is not to become ready; gives its exit code and all that it printed. */
export const failingStart = async (
  variables: E2eVariables,
): Promise<{ readonly code: number | null; readonly printed: string }> => {
  const { child, printed } = launch(variables);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, printed: printed() };
};
