import { defineErrors } from '../kernel/errors.ts';

export const builderErrors = defineErrors('BUILDER', {
  PLAN_INVALID: 'invalid',
  STEP_FAILED: 'invalid',
  ENVIRONMENT_UNKNOWN: 'not-found',
});
