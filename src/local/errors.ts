import { defineErrors } from '../kernel/errors.ts';

export const localErrors = defineErrors('LOCAL', {
  /** `details.step` names the step that failed. */
  BUILD_FAILED: 'invalid',
  ENVIRONMENT_UNKNOWN: 'not-found',
});
