import { defineErrors } from '../kernel/errors.ts';

export const accountsErrors = defineErrors('ACCOUNTS', {
  ACCOUNT_NOT_FOUND: 'not-found',
  KEY_NOT_FOUND: 'not-found',
  KEY_UNKNOWN: 'unauthenticated',
  RUN_TOKEN_INVALID: 'unauthenticated',
  RUN_TOKEN_EXPIRED: 'unauthenticated',
  FORBIDDEN: 'forbidden',
  NAME_TAKEN: 'conflict',
  EMAIL_TAKEN: 'conflict',
  EMAIL_FIXED: 'invalid',
  KEY_TAKEN: 'conflict',
  LAST_OWNER: 'conflict',
  IN_USE: 'conflict',
});
