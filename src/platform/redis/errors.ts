import { defineErrors } from '../../kernel/errors.ts';

export const redisErrors = defineErrors('REDIS', {
  /** Redis does not answer in time, or refuses. Whether a write was done is not known. */
  UNAVAILABLE: 'unavailable',
});
