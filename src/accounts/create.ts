import { hash, timingSafeEqual } from 'node:crypto';
import type { StateView } from '../messaging/state-view.ts';
import { type Accounts, accountKind, keyKind } from './accounts.ts';
import { belongs, mayCallAlgorithm, mayManageOwner } from './permissions.ts';
import { accountsByName, createKeyIndex } from './view.ts';

/** Answers questions about accounts from that view. The view must keep accounts and keys. */
export const createAccounts = ({ view }: { readonly view: StateView }): Accounts => {
  const keys = createKeyIndex(view);
  const accountOf = (name: string) => view.get(accountKind, name.toLowerCase());

  return {
    authenticate: (text) => {
      const digest = hash('sha256', text, 'hex');
      const key = keys.byHash(digest);
      // The map compares in variable time, but over the digest, of which a caller cannot choose the bytes he guesses.
      if (key === undefined || !timingSafeEqual(Buffer.from(key.hash), Buffer.from(digest))) return null;
      const account = accountOf(key.account);
      return account === undefined ? null : { account, key };
    },
    account: (name) => accountOf(name) ?? null,
    key: (id) => view.get(keyKind, id) ?? null,
    keysOf: (account) => keys.of(account.toLowerCase()),
    list: (type) => accountsByName(view, type),
    mayCall: mayCallAlgorithm,
    mayManage: (caller, owner) => {
      const account = accountOf(owner);
      return account !== undefined && mayManageOwner(caller, account);
    },
    belongsTo: (account, owner) => {
      const organisation = accountOf(owner);
      return organisation !== undefined && belongs(account.toLowerCase(), organisation);
    },
  };
};
