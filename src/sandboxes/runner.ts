import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { loadRunner } from './pipe/load.ts';
import { createPipeRunner } from './pipe/pipe-runner.ts';
import type { Runner } from './run.ts';
import type { SandboxDriver, SandboxSpec } from './sandbox.ts';

export type { RunEnd, Runner, RunOutcome, RunRequest } from './run.ts';

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
