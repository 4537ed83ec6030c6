import { describe, expect, it } from 'vitest';
import { accountOf, keyOf } from '../../test/helpers/people.ts';
import { createTableView } from '../../test/helpers/table-view.ts';
import { type Account, accountKind, type Key, keyKind, type Permissions } from './accounts.ts';
import { createAccounts } from './create.ts';
import { mayCallAlgorithm, mayGovern, mayGrant } from './permissions.ts';

const account = (name: string, members: Account['members'] = []): Account =>
  accountOf(name, { label: name.toUpperCase(), members });

const permissionsOf = (some: Partial<Permissions> = {}): Permissions => ({
  call: ['*'],
  manage: true,
  admin: false,
  ...some,
});

const key = (text: string, owner: string, some: Partial<Key> = {}): Key =>
  keyOf(owner, text, { id: `key-${text}`, permissions: permissionsOf(), ...some });

const given = () => {
  const view = createTableView([accountKind, keyKind]);
  view.put(accountKind, account('ada'), account('eve'), account('joe'));
  view.put(
    accountKind,
    account('acme', [
      { account: 'ada', role: 'owner' },
      { account: 'joe', role: 'executor' },
    ]),
  );
  view.put(keyKind, key('simADA', 'ada'));
  return { view, accounts: createAccounts({ view }) };
};

describe('accounts', () => {
  it('know who calls by the key', () => {
    const { accounts } = given();
    expect(accounts.authenticate('simADA')?.account.name).toBe('ada');
    expect(accounts.authenticate('simAda')).toBeNull();
    expect(accounts.authenticate('')).toBeNull();
  });

  it('follow keys that are made and revoked', () => {
    const { view, accounts } = given();
    view.put(keyKind, key('simEVE', 'eve'));
    expect(accounts.authenticate('simEVE')?.account.name).toBe('eve');
    view.put(keyKind, key('simEVE', 'eve', { revokedAtMs: 1 }));
    expect(accounts.authenticate('simEVE')).toBeNull();
    expect(accounts.keysOf('EVE')).toEqual([]);
    expect(accounts.key('key-simEVE')).not.toBeNull();
    view.remove(accountKind, 'ada');
    expect(accounts.authenticate('simADA')).toBeNull();
  });

  it('find names in any case and list by type', () => {
    const { accounts } = given();
    expect(accounts.account('AcMe')?.name).toBe('acme');
    expect(accounts.list('user').map(({ name }) => name)).toEqual(['ada', 'eve', 'joe']);
    expect(accounts.list('organisation').map(({ name }) => name)).toEqual(['acme']);
  });

  it('know who belongs to whom and who may manage', () => {
    const { view, accounts } = given();
    const callerOf = (name: string, some?: Partial<Permissions>) => ({
      account: account(name),
      key: key('k', name, { permissions: permissionsOf(some) }),
    });
    expect(['ada', 'joe', 'eve'].map((name) => accounts.belongsTo(name, 'ACME'))).toEqual([true, true, false]);
    expect(['ada', 'joe', 'eve'].map((name) => accounts.mayManage(callerOf(name), 'acme'))).toEqual([
      true,
      false,
      false,
    ]);
    expect(accounts.mayManage(callerOf('ada', { manage: false }), 'ada')).toBe(false);
    expect(accounts.mayManage(callerOf('eve', { manage: false, admin: true }), 'acme')).toBe(true);
    expect(accounts.mayManage(callerOf('ada'), 'nobody')).toBe(false);
    view.put(accountKind, account('acme', [{ account: 'eve', role: 'member' }]));
    expect(accounts.mayManage(callerOf('eve'), 'acme')).toBe(true);
    expect(mayGovern(callerOf('eve'), account('acme', [{ account: 'eve', role: 'member' }]))).toBe(false);
  });

  it('find a key among ten thousand', () => {
    const { view, accounts } = given();
    for (let at = 0; at < 10_000; at += 1) view.put(keyKind, key(`sim${at}`, 'ada'));
    expect(accounts.authenticate('sim4711')?.key.id).toBe('key-sim4711');
    expect(accounts.authenticate('sim10000')).toBeNull();
  });
});

describe('permissions', () => {
  it.each([
    [['*'], true],
    [['demo/*'], true],
    [['demo/hello'], true],
    [['demo/hell'], false],
    [['dem/*'], false],
    [[], false],
    [['other/*', 'demo/hello'], true],
  ])('%j allows calling demo/hello: %s', (call, expected) => {
    expect(mayCallAlgorithm(permissionsOf({ call }), { owner: 'demo', name: 'hello' })).toBe(expected);
  });

  it('are granted only by who has them', () => {
    const held = permissionsOf({ call: ['demo/*'] });
    expect(mayGrant(held, permissionsOf({ call: ['demo/*', 'demo/hello'] }))).toBe(true);
    expect(mayGrant(held, permissionsOf({ call: ['*'] }))).toBe(false);
    expect(mayGrant(held, permissionsOf({ call: [], admin: true }))).toBe(false);
    expect(mayGrant(permissionsOf({ call: [], manage: false, admin: true }), permissionsOf())).toBe(true);
  });
});
