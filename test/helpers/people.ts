import { hash } from 'node:crypto';
import type { Account, Key } from '../../src/accounts/accounts.ts';

/** An account as tests need one: a user, or with `members` an organisation. */
export const accountOf = (name: string, some: Partial<Account> = {}): Account => ({
  id: `id-${name}`,
  name,
  label: name,
  type: (some.members ?? []).length > 0 ? 'organisation' : 'user',
  email: null,
  fullName: null,
  profile: {},
  members: [],
  topics: null,
  createdAtMs: 0,
  ...some,
});

/** A key of that account with this text; it calls everything and manages nothing. */
export const keyOf = (account: string, text: string, some: Partial<Key> = {}): Key => ({
  id: `key-${account}`,
  account,
  label: '',
  hash: hash('sha256', text, 'hex'),
  permissions: { call: ['*'], manage: false, admin: false },
  createdAtMs: 0,
  revokedAtMs: null,
  ...some,
});
