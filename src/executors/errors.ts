import { defineErrors } from '../kernel/errors.ts';

export const executorErrors = defineErrors('EXECUTOR', {
  /** A record without a usable request id. */
  NO_ID: 'invalid',
  /** Executors ended with this request in flight, too often. */
  POISON: 'internal',
  /** No runner for the language of the build's environment is installed here. */
  RUNNER_MISSING: 'unavailable',
});
