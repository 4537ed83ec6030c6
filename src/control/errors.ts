import { defineErrors } from '../kernel/errors.ts';

export const controlErrors = defineErrors('CONTROL', {
  COMMAND_UNKNOWN: 'invalid',
  COMMAND_INVALID: 'invalid',
  ROLE_REQUIRED: 'forbidden',
  DECISION_FAILED: 'internal',
  COMMIT_FAILED: 'internal',
  STATE_UNREADABLE: 'unavailable',
});
