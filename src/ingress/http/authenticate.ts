import type { Accounts, Caller } from '../../accounts/accounts.ts';
import type { StateView } from '../../messaging/state-view.ts';
import { ingressErrors } from '../errors.ts';

/** Longer than any key; a longer header is no key and is not hashed. */
const keyLengthMax = 512;

/** The key in an authorization header: `Simple KEY`, `Bearer KEY` or the bare key. Null when there is none. */
export const keyOfHeader = (header: string | undefined): string | null => {
  if (header === undefined) return null;
  const text = header.trim();
  if (text === '' || text.length > keyLengthMax) return null;
  const space = text.indexOf(' ');
  if (space === -1) return text;
  const scheme = text.slice(0, space).toLowerCase();
  if (scheme !== 'simple' && scheme !== 'bearer') return null;
  return text.slice(space + 1).trim();
};

/** Finds out who calls. Concurrent use is fine. */
export interface Authenticator {
  /** Throws `INGRESS_UNAUTHENTICATED` without a key and `INGRESS_KEY_UNKNOWN` for one that is not (or no longer) known. */
  authenticate(header: string | undefined): Caller | Promise<Caller>;
}

/**
 * A key that the view does not know yet may have been made through another replica: one barrier, then another look.
 * `withoutHeader` is the key of requests that bear no authorization at all; without it they are refused.
 */
export const createAuthenticator = (
  accounts: Accounts,
  view: StateView,
  withoutHeader: string | null = null,
): Authenticator => {
  const lookAgain = async (key: string): Promise<Caller> => {
    await view.barrier();
    const caller = accounts.authenticate(key);
    if (caller !== null) return caller;
    throw ingressErrors.KEY_UNKNOWN({ message: 'the API key is not known or was revoked' });
  };
  return {
    authenticate: (header) => {
      const key = header === undefined ? withoutHeader : keyOfHeader(header);
      if (key === null || key === '') throw ingressErrors.UNAUTHENTICATED({ message: 'authorization required' });
      return accounts.authenticate(key) ?? lookAgain(key);
    },
  };
};
