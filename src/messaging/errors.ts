import { defineErrors, PlatformError } from '../kernel/errors.ts';

export const messagingErrors = defineErrors('MESSAGING', {
  CLOSED: 'cancelled',
  UNAVAILABLE: 'unavailable',
  TOO_LARGE: 'invalid',
  QUEUE_FULL: 'limit',
  ABORTED: 'unavailable',
  FENCED: 'internal',
  FORBIDDEN: 'forbidden',
  ASSIGNMENT_ENDED: 'conflict',
  UNDECODABLE: 'invalid',
  SCHEMA_REFUSED: 'conflict',
  TOPIC_MISMATCH: 'conflict',
});

const refusals: ReadonlySet<string> = new Set(['MESSAGING_TOO_LARGE', 'MESSAGING_TOPIC_MISMATCH']);

/** True when a record was refused for good: it is not in the log, and sending it again is of no use. */
export const isRefusal = (error: unknown): boolean => error instanceof PlatformError && refusals.has(error.code);
