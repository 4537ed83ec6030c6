import { expect, test } from 'vitest';
import { accountOf, keyOf } from '../../../test/helpers/people.ts';
import { createTableView } from '../../../test/helpers/table-view.ts';
import { type Accounts, accountKind, type Caller, keyKind } from '../../accounts/accounts.ts';
import { createAccounts } from '../../accounts/create.ts';
import { createAuthenticator, keyOfHeader } from './authenticate.ts';

test.each([
  ['Simple simKey', 'simKey'],
  ['simple simKey', 'simKey'],
  ['Bearer simKey', 'simKey'],
  ['simKey', 'simKey'],
  ['Basic dXNlcg==', null],
  ['   ', null],
  [undefined, null],
  ['x'.repeat(600), null],
])('reads the key of the header %j', (header, key) => {
  expect(keyOfHeader(header)).toBe(key);
});

const caller = { account: { name: 'ada' }, key: { id: 'key' } } as unknown as Caller;
const accounts = { authenticate: (key: string) => (key === 'simKey' ? caller : null) } as unknown as Accounts;
const view = createTableView([]);

test('refuses a request without authorization', () => {
  expect(() => createAuthenticator(accounts, view).authenticate(undefined)).toThrow('authorization required');
});

test('takes the configured key for a request without any authorization, and for no other', async () => {
  const authenticator = createAuthenticator(accounts, view, 'simKey');
  expect(await authenticator.authenticate(undefined)).toBe(caller);
  await expect(Promise.resolve(authenticator.authenticate('Simple wrong'))).rejects.toThrow('not known');
  expect(() => authenticator.authenticate('Basic dXNlcg==')).toThrow('authorization required');
});

const ada = accountOf('ada');
const key = keyOf('ada', 'simAda');

test('refuses a key that was revoked, also on a connection that it was sent on before', async () => {
  const known = createTableView([accountKind, keyKind]);
  known.put(accountKind, ada);
  known.put(keyKind, key);
  const authenticator = createAuthenticator(createAccounts({ view: known }), known);
  const connection = {};
  expect(authenticator.authenticate('Simple simAda', connection)).toEqual({ account: ada, key });
  expect(authenticator.authenticate('Simple simAda', connection)).toEqual({ account: ada, key });
  known.put(keyKind, { ...key, revokedAtMs: 1 });
  await expect(Promise.resolve(authenticator.authenticate('Simple simAda', connection))).rejects.toThrow('revoked');
});

test('sees on a connection that its key was given other permissions, and that another key was sent', async () => {
  const known = createTableView([accountKind, keyKind]);
  known.put(accountKind, ada);
  known.put(keyKind, key);
  const authenticator = createAuthenticator(createAccounts({ view: known }), known);
  const connection = {};
  await authenticator.authenticate('Simple simAda', connection);
  const wider = { ...key, permissions: { call: ['*'], manage: true, admin: false } };
  known.put(keyKind, wider);
  expect(authenticator.authenticate('Simple simAda', connection)).toEqual({ account: ada, key: wider });
  await expect(Promise.resolve(authenticator.authenticate('Simple other', connection))).rejects.toThrow('not known');
});
