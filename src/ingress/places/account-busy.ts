import { ingressErrors } from '../errors.ts';

/** The refusal of a call whose account has all its places taken. */
export const accountBusy = (account: string, calls: number) =>
  ingressErrors.ACCOUNT_BUSY({
    message: `account ${account} has ${calls} calls running, the most that it may have: wait for some to end, or call with output=void`,
  });
