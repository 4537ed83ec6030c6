import { defineErrors } from '../../kernel/errors.ts';

/** What can keep a listener from opening. */
export const httpErrors = defineErrors('HTTP', {
  /** Another process listens on the port. */
  PORT_TAKEN: 'conflict',
  /** The address is not one of this machine, or the port may not be opened by this user. */
  ADDRESS_REFUSED: 'invalid',
});
