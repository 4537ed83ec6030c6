import { defineErrors } from '../kernel/errors.ts';

export const ingressErrors = defineErrors('INGRESS', {
  UNAUTHENTICATED: 'unauthenticated',
  KEY_UNKNOWN: 'unauthenticated',
  FORBIDDEN: 'forbidden',
  /** A key without permission for what it calls is answered 401, as the vendor does. */
  CALL_FORBIDDEN: 'unauthenticated',
  /** Tokens of running calls open the door once each. */
  RUN_TOKEN_USED: 'unauthenticated',
  CHAINING_OFF: 'forbidden',
  CHAIN_TOO_DEEP: 'invalid',
  ALGORITHM_UNKNOWN: 'not-found',
  RESOURCE_UNKNOWN: 'not-found',
  USER_UNKNOWN: 'not-found',
  ORGANIZATION_UNKNOWN: 'not-found',
  REQUEST_UNKNOWN: 'not-found',
  BAD_REQUEST: 'invalid',
  BAD_JSON: 'invalid',
  BAD_MARKER: 'invalid',
  BAD_LIMIT: 'invalid',
  BODY_TOO_LARGE: 'invalid',
  CONTENT_TYPE_UNSUPPORTED: 'invalid',
  KEY_IN_USE: 'conflict',
  ACCOUNT_BUSY: 'limit',
  OVERLOADED: 'unavailable',
  NO_EXECUTOR: 'unavailable',
  LOG_UNAVAILABLE: 'unavailable',
  BUILD_SLOW: 'timeout',
  CANCELLED: 'cancelled',
});
