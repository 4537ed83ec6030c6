import { defineErrors } from '../../kernel/errors.ts';

/** What can be wrong with the environment that a process was started in. */
export const configErrors = defineErrors('CONFIG', {
  /** `details.faults` lists every fault: variable, what is wrong, what is expected. */
  INVALID: 'invalid',
});
