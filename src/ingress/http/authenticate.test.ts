import { expect, test } from 'vitest';
import { createTableView } from '../../../test/helpers/table-view.ts';
import type { Accounts, Caller } from '../../accounts/accounts.ts';
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
