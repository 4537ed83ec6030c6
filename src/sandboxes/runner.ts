import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { loadRunner } from './pipe/load.ts';
import { createPipeRunner } from './pipe/pipe-runner.ts';
import { waitAdoptable } from './pipe/wait-adoptable.ts';
import type { Runner } from './run.ts';
import type { Mount, Sandbox, SandboxDriver, SandboxLimits, SandboxSpec } from './sandbox.ts';

export type { Runner, RunOutcome } from './run.ts';

export interface StartRunnerOptions {
  readonly driver: SandboxDriver;
  /** With a result channel; its command is the language's runner. */
  readonly spec: SandboxSpec;
  readonly loadTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Starts a sandbox and waits until the runner in it reports ready. Throws `SANDBOX_START_FAILED`, or
 * `SANDBOX_LOAD_FAILED` when the algorithm did not load: the message says why, `details.log` holds the last lines that
 * were printed. May be called concurrently.
 */
export const startRunner = async (options: StartRunnerOptions): Promise<Runner> => {
  const sandbox = await options.driver.start(options.spec);
  const loaded = await loadRunner(sandbox, options);
  return createPipeRunner({ sandbox, loaded, clock: options.clock, logger: options.logger });
};

/**
 * Starts a sandbox whose runner waits for an algorithm, for `adoptRunner`. The spec has `adoptable` folders; its command
 * is the language's runner with the word `adopt`. Resolves when the runner waits. Throws `SANDBOX_START_FAILED` or
 * `SANDBOX_LOAD_FAILED`. May be called concurrently.
 */
export const startAdoptable = async (options: Omit<StartRunnerOptions, 'logger'>): Promise<Sandbox> => {
  const sandbox = await options.driver.start(options.spec);
  await waitAdoptable(sandbox, options.clock, options.loadTimeoutMs);
  return sandbox;
};

export interface AdoptRunnerOptions {
  /** Of `startAdoptable`. */
  readonly sandbox: Sandbox;
  readonly mounts: readonly Mount[];
  readonly limits: SandboxLimits;
  /** Where the algorithm stands inside after the mounts. */
  readonly algorithmFolder: string;
  readonly loadTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Gives a runner that was started ahead its algorithm and waits until it reports ready. Once for each sandbox. Throws
 * `SANDBOX_START_FAILED` when it could not be adopted, or `SANDBOX_LOAD_FAILED` as `startRunner`; the sandbox is then
 * ended.
 */
export const adoptRunner = async (options: AdoptRunnerOptions): Promise<Runner> => {
  const { sandbox, mounts, limits, clock, logger } = options;
  try {
    await sandbox.adopt(mounts, limits);
  } catch (error) {
    await sandbox.stop(0);
    throw error;
  }
  const loading = loadRunner(sandbox, options);
  sandbox.stdin.write(`${JSON.stringify({ adopt: options.algorithmFolder })}\n`);
  return createPipeRunner({ sandbox, loaded: await loading, clock, logger });
};
