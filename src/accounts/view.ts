import type { StateView } from '../messaging/state-view.ts';
import { type Account, accountKind, type Key, keyKind } from './accounts.ts';

/** Keys by their hash and by their account; kept up to date by the state view. Revoked keys are found by id only. */
export interface KeyIndex {
  byHash(hash: string): Key | undefined;
  of(account: string): readonly Key[];
}

/** Builds the index of keys over a view and keeps it. */
export const createKeyIndex = (view: StateView): KeyIndex => {
  const byHash = new Map<string, Key>();
  const byAccount = new Map<string, Map<string, Key>>();

  const remove = (key: Key): void => {
    if (byHash.get(key.hash)?.id === key.id) byHash.delete(key.hash);
    const keys = byAccount.get(key.account);
    keys?.delete(key.id);
    if (keys?.size === 0) byAccount.delete(key.account);
  };
  const add = (key: Key): void => {
    if (key.revokedAtMs !== null) return;
    byHash.set(key.hash, key);
    const keys = byAccount.get(key.account) ?? new Map<string, Key>();
    byAccount.set(key.account, keys.set(key.id, key));
  };

  view.watch(keyKind, ({ before, after }) => {
    if (before !== undefined) remove(before);
    if (after !== undefined) add(after);
  });
  return {
    byHash: (hash) => byHash.get(hash),
    of: (account) => [...(byAccount.get(account)?.values() ?? [])],
  };
};

/** Accounts of one type in the order of their names. */
export const accountsByName = (view: StateView, type: Account['type']): readonly Account[] =>
  [...view.all(accountKind)].filter((account) => account.type === type).sort((a, b) => (a.name < b.name ? -1 : 1));
