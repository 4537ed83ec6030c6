import { defineErrors } from '../../kernel/errors.ts';

export const gitErrors = defineErrors('GIT', {
  NOT_FOUND: 'not-found',
  BAD_NAME: 'invalid',
  BUSY: 'unavailable',
  FAILED: 'unavailable',
});

/** What can be wrong with sources that somebody sent. */
export const sourceErrors = defineErrors('SOURCE', {
  BAD_ARCHIVE: 'invalid',
  BAD_PATH: 'invalid',
  BAD_ENTRY: 'invalid',
  LINK_OUTSIDE: 'invalid',
  TOO_MANY_FILES: 'invalid',
  TOO_LARGE: 'invalid',
  EMPTY: 'invalid',
});
