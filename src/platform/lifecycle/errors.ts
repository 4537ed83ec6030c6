import { defineErrors } from '../../kernel/errors.ts';

/** What can go wrong while a process starts and stops. */
export const lifecycleErrors = defineErrors('LIFECYCLE', {
  /** A component did not stop within its time. */
  STOP_TIMEOUT: 'timeout',
  /** Some components failed to stop; `cause` holds each failure. */
  STOP_FAILED: 'internal',
});
