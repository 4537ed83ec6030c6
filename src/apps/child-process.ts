import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { type Clock, sleep } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Component } from '../platform/lifecycle/supervisor.ts';
import type { RoleName } from './role.ts';

export interface RoleProcessOptions {
  readonly role: RoleName;
  /** The file that its lines go to. */
  readonly logFile: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** It ended again and again. */
  readonly onFailed: (error: Error) => void;
}

const setpriv = '/usr/bin/setpriv';
const startTimeoutMs = 60_000;
const stopTimeoutMs = 25_000;
const restartsMax = 10;
const settledMs = 60_000;

/** The child ends with its parent, also when that is killed. */
const commandOf = (role: RoleName): readonly string[] => {
  const own = [process.execPath, `${import.meta.dirname}/main.ts`, role];
  return existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', ...own] : own;
};

const start = (options: RoleProcessOptions): ChildProcess => {
  const [program = '', ...words] = commandOf(options.role);
  const log = openSync(options.logFile, 'a', 0o600);
  return spawn(program, words, {
    stdio: ['ignore', log, log, 'ipc'],
    // eslint-disable-next-line no-restricted-properties -- the child reads its configuration from the environment, as this process did
    env: { ...process.env, ...options.variables },
  });
};

const ready = async (child: ChildProcess, options: RoleProcessOptions): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    const cancel = options.clock.after(startTimeoutMs, () =>
      reject(new Error(`the ${options.role} was not ready within ${startTimeoutMs / 1000} s`)),
    );
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`the ${options.role} ended with code ${code ?? 'none'}; see ${options.logFile}`)),
    );
    child.once('exit', cancel);
    child.once('message', cancel);
  });
};

/** A role in a process of its own, restarted when it dies. */
export const createRoleProcess = (options: RoleProcessOptions): Component => {
  const { clock, logger, role } = options;
  let child: ChildProcess | null = null;
  let stopping = false;
  let deaths = 0;
  const begin = async (): Promise<void> => {
    const startedAtMs = clock.monotonicMs();
    const running = start(options);
    child = running;
    await ready(running, options);
    running.once('exit', (code, signal) => {
      if (stopping) return;
      deaths = clock.monotonicMs() - startedAtMs > settledMs ? 1 : deaths + 1;
      logger.warn({ event: 'role.died', role, code, signal, deaths });
      void again();
    });
  };
  const again = async (): Promise<void> => {
    try {
      if (deaths > restartsMax) throw new Error(`the ${role} ended ${deaths} times in a row; see ${options.logFile}`);
      await sleep(clock, Math.min(5_000, 50 * 2 ** deaths));
      if (!stopping) await begin();
    } catch (error) {
      options.onFailed(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return {
    name: role,
    start: begin,
    stop: async () => {
      stopping = true;
      const running = child;
      if (running === null || running.exitCode !== null || running.signalCode !== null) return;
      const exited = new Promise<void>((resolve) => running.once('exit', () => resolve()));
      running.kill('SIGTERM');
      const cancel = clock.after(stopTimeoutMs, () => running.kill('SIGKILL'));
      await exited;
      cancel();
    },
  };
};
