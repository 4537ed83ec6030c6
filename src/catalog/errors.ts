import { defineErrors } from '../kernel/errors.ts';

export const catalogErrors = defineErrors('CATALOG', {
  ALGORITHM_NOT_FOUND: 'not-found',
  NAME_TAKEN: 'conflict',
  ENVIRONMENT_NOT_FOUND: 'invalid',
  BUILD_NOT_FOUND: 'not-found',
  BUILD_NOT_SUCCEEDED: 'conflict',
  BUILD_ALREADY_PUBLISHED: 'invalid',
  NOTHING_TO_PUBLISH: 'invalid',
  PUBLISHED_TO_ALL: 'invalid',
  ENVIRONMENT_FILE_INVALID: 'invalid',
});
