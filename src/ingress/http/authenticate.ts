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
  /**
   * Throws `INGRESS_UNAUTHENTICATED` without a key and `INGRESS_KEY_UNKNOWN` for one that is not (or no longer) known.
   * With the connection that brought it, a header that was sent there before is not hashed again.
   */
  authenticate(header: string | undefined, connection?: object): Caller | Promise<Caller>;
}

/**
 * What each connection sent last, and whom it named. The comparison takes a time that depends on the text, but compares
 * it only with what the same connection sent itself, so it tells nobody anything.
 */
const createMemory = (accounts: Accounts) => {
  const last = new WeakMap<object, { readonly header: string; readonly caller: Caller }>();
  return {
    /** Null as well when the key or its account was changed since. */
    recall: (connection: object, header: string): Caller | null => {
      const known = last.get(connection);
      if (known?.header !== header) return null;
      const { account, key } = known.caller;
      return accounts.key(key.id) === key && accounts.account(account.name) === account ? known.caller : null;
    },
    remember: (connection: object, header: string, caller: Caller): void => {
      last.set(connection, { header, caller });
    },
  };
};

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
  const memory = createMemory(accounts);
  return {
    authenticate: (header, connection) => {
      const known = connection === undefined || header === undefined ? null : memory.recall(connection, header);
      if (known !== null) return known;
      const key = header === undefined ? withoutHeader : keyOfHeader(header);
      if (key === null || key === '') throw ingressErrors.UNAUTHENTICATED({ message: 'authorization required' });
      const caller = accounts.authenticate(key);
      if (caller === null) return lookAgain(key);
      if (connection !== undefined && header !== undefined) memory.remember(connection, header, caller);
      return caller;
    },
  };
};
