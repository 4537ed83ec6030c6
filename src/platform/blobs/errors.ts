import { defineErrors } from '../../kernel/errors.ts';

export const blobErrors = defineErrors('BLOBS', {
  NOT_FOUND: 'not-found',
  BAD_KEY: 'invalid',
  /** The object store does not answer, or not as it should; the message says what it said. */
  UNAVAILABLE: 'unavailable',
});
