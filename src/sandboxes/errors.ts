import { defineErrors } from '../kernel/errors.ts';

export const sandboxErrors = defineErrors('SANDBOX', {
  START_FAILED: 'unavailable',
  DRIVER_MISSING: 'unavailable',
});
