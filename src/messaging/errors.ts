import { defineErrors } from '../kernel/errors.ts';

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
