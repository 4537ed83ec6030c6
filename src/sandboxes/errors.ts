import { defineErrors } from '../kernel/errors.ts';

/** What can go wrong with a sandbox or the runner in it. */
export const sandboxErrors = defineErrors('SANDBOX', {
  START_FAILED: 'unavailable',
  DRIVER_MISSING: 'unavailable',
  /** The runner did not report ready; `details.log` holds the last lines that it and the algorithm printed. */
  LOAD_FAILED: 'invalid',
  /** A second call while one runs: a runner is strictly serial. */
  RUNNER_BUSY: 'conflict',
});
