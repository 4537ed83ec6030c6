import { describe, expect, it } from 'vitest';
import { createScenario, role } from '../../../test/helpers/control-scenario.ts';
import { accountKind, keyKind } from '../../accounts/accounts.ts';

describe('account.create', () => {
  it('keeps the spelling as the label and the name in lower case', () => {
    const scenario = createScenario();
    scenario.done(role('control'), 'account.create', { name: 'Ada', email: 'ada@example.org' });
    expect(scenario.state.get(accountKind, 'ada')).toMatchObject({
      name: 'ada',
      label: 'Ada',
      type: 'user',
      members: [],
    });
  });

  it('refuses a name that is taken in another spelling, with the code of the vendor', () => {
    const scenario = createScenario();
    scenario.user('Ada');
    const error = scenario.refused(role('control'), 'account.create', { name: 'ADA', email: null });
    expect(error).toMatchObject({ code: 'ACCOUNTS_NAME_TAKEN', kind: 'conflict', details: { vendorCode: 3003 } });
  });

  it('refuses an address that another user has', () => {
    const scenario = createScenario();
    scenario.user('Ada');
    const error = scenario.refused(role('control'), 'account.create', { name: 'Eve', email: 'ADA@example.org' });
    expect(error).toMatchObject({ code: 'ACCOUNTS_EMAIL_TAKEN', details: { vendorCode: 3004 } });
  });

  it('is for administrators', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    const root = scenario.user('Root', { admin: true });
    const body = { name: 'Eve', email: null };
    expect(scenario.refused(ada, 'account.create', body)).toMatchObject({
      kind: 'forbidden',
      details: { vendorCode: 2001 },
    });
    scenario.done(root, 'account.create', body);
  });

  it('refuses a name that could not be part of a topic', () => {
    const error = createScenario().refused(role('control'), 'account.create', { name: 'a/b', email: null });
    expect(error).toMatchObject({ code: 'CONTROL_COMMAND_INVALID', kind: 'invalid' });
    expect(error.message).toContain('Field name');
  });
});

describe('account.update', () => {
  it('is for the user itself and for administrators; the address stays', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    const eve = scenario.user('Eve');
    scenario.done(ada, 'account.update', { name: 'ADA', fullName: 'Ada L.', profile: { company_name: 'Acme' } });
    scenario.done(ada, 'account.update', { name: 'ada', profile: { company_role: 'Owner' } });
    expect(scenario.state.get(accountKind, 'ada')).toMatchObject({
      fullName: 'Ada L.',
      profile: { company_name: 'Acme', company_role: 'Owner' },
    });
    expect(scenario.refused(eve, 'account.update', { name: 'ada', fullName: 'E' }).kind).toBe('forbidden');
    const moved = scenario.refused(ada, 'account.update', { name: 'ada', email: 'other@example.org' });
    expect(moved).toMatchObject({ kind: 'invalid', details: { vendorCode: 3008 } });
  });
});

describe('account.delete', () => {
  it('removes the user, its keys and its memberships', () => {
    const scenario = createScenario();
    const [ada, eve, root] = [scenario.user('Ada'), scenario.user('Eve'), scenario.user('Root', { admin: true })];
    scenario.done(ada, 'organisation.create', { name: 'Acme', email: null });
    scenario.done(ada, 'organisation.member.put', { organisation: 'acme', account: 'eve', role: 'member' });
    expect(scenario.refused(eve, 'account.delete', { name: 'eve' }).kind).toBe('forbidden');
    scenario.done(root, 'account.delete', { name: 'EVE' });
    expect(scenario.state.get(accountKind, 'eve')).toBeUndefined();
    expect(scenario.state.get(keyKind, eve.keyId ?? '')).toBeUndefined();
    expect(scenario.state.get(accountKind, 'acme')?.members).toEqual([{ account: 'ada', role: 'owner' }]);
  });

  it('refuses the last owner of an organization, and organizations', () => {
    const scenario = createScenario();
    const [ada, root] = [scenario.user('Ada'), scenario.user('Root', { admin: true })];
    scenario.done(ada, 'organisation.create', { name: 'Acme', email: null });
    const error = scenario.refused(root, 'account.delete', { name: 'ada' });
    expect(error).toMatchObject({ code: 'ACCOUNTS_LAST_OWNER', details: { vendorCode: 3102 } });
    expect(scenario.refused(root, 'account.delete', { name: 'acme' }).kind).toBe('not-found');
  });
});

describe('account.topics.enable', () => {
  it("binds the account's topics to one of its keys", () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    scenario.done(ada, 'account.topics.enable', { account: 'ada', keyId: ada.keyId, principal: 'account-ada' });
    expect(scenario.state.get(accountKind, 'ada')?.topics).toEqual({ keyId: ada.keyId, principal: 'account-ada' });
  });

  it("refuses another account's key and a revoked one", () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    const eve = scenario.user('Eve');
    const spare = scenario.uuid();
    const permissions = { call: [], manage: false, admin: false };
    scenario.done(ada, 'key.create', { id: spare, account: 'ada', hash: 'a'.repeat(64), label: '', permissions });
    scenario.done(ada, 'key.revoke', { id: spare });
    for (const keyId of [eve.keyId, spare]) {
      const error = scenario.refused(ada, 'account.topics.enable', { account: 'ada', keyId, principal: 'p' });
      expect(error.code).toBe('ACCOUNTS_KEY_NOT_FOUND');
    }
  });
});
