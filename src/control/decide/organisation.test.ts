import { describe, expect, it } from 'vitest';
import { createScenario, role, type ScenarioActor } from '../../../test/helpers/control-scenario.ts';
import { accountKind, keyKind } from '../../accounts/accounts.ts';

const given = () => {
  const scenario = createScenario();
  const ada = scenario.user('Ada');
  const eve = scenario.user('Eve');
  scenario.done(ada, 'organisation.create', { name: 'Acme', email: null, profile: { org_label: 'Acme Corp' } });
  const put = (by: ScenarioActor, account: string, wanted?: string) =>
    scenario.done(by, 'organisation.member.put', { organisation: 'ACME', account, role: wanted });
  return { scenario, ada, eve, put, members: () => scenario.state.get(accountKind, 'acme')?.members };
};

describe('organisations', () => {
  it('make who creates them their first owner', () => {
    expect(given().members()).toEqual([{ account: 'ada', role: 'owner' }]);
  });

  it('share their names with users', () => {
    const { scenario, ada } = given();
    for (const name of ['Eve', 'acme']) {
      const error = scenario.refused(ada, 'organisation.create', { name, email: null });
      expect(error).toMatchObject({ kind: 'conflict', details: { vendorCode: 3101 } });
    }
  });

  it('tell a new member from one who was there', () => {
    const { ada, put, members } = given();
    expect(put(ada, 'Eve').reply).toEqual({ member: { account: 'eve', role: 'member' }, added: true });
    expect(put(ada, 'eve')).toEqual({ reply: { member: { account: 'eve', role: 'member' }, added: false } });
    expect(put(ada, 'eve', 'executor').reply).toMatchObject({ added: false });
    expect(members()).toContainEqual({ account: 'eve', role: 'executor' });
  });

  it('let only owners invite', () => {
    const { scenario, ada, eve, put } = given();
    scenario.user('Joe');
    put(ada, 'eve', 'member');
    const body = { organisation: 'acme', account: 'joe' };
    expect(scenario.refused(eve, 'organisation.member.put', body)).toMatchObject({ kind: 'forbidden' });
    put(ada, 'eve', 'owner');
    scenario.done(eve, 'organisation.member.put', body);
  });

  it('keep their last owner', () => {
    const { scenario, ada, put } = given();
    put(ada, 'eve', 'member');
    const leave = { organisation: 'acme', account: 'ada' };
    expect(scenario.refused(ada, 'organisation.member.delete', leave).details).toEqual({ vendorCode: 3102 });
    const demote = { ...leave, role: 'member' };
    expect(scenario.refused(ada, 'organisation.member.put', demote).details).toEqual({ vendorCode: 3102 });
    put(ada, 'eve', 'owner');
    scenario.done(ada, 'organisation.member.delete', leave);
  });

  it('answer the removal of a stranger without a change', () => {
    const { scenario, ada } = given();
    const effect = scenario.done(ada, 'organisation.member.delete', { organisation: 'acme', account: 'nobody' });
    expect(effect).toEqual({ reply: { removed: false } });
  });

  it('merge updates into their profile', () => {
    const { scenario, ada } = given();
    scenario.done(ada, 'organisation.update', { name: 'acme', profile: { org_url: 'https://acme.example' } });
    expect(scenario.state.get(accountKind, 'acme')?.profile).toEqual({
      org_label: 'Acme Corp',
      org_url: 'https://acme.example',
    });
  });

  it('take their keys with them and stay while they own algorithms', () => {
    const { scenario, ada } = given();
    const id = scenario.uuid();
    const permissions = { call: ['*'], manage: true, admin: false };
    scenario.done(ada, 'key.create', { id, account: 'acme', hash: 'b'.repeat(64), label: '', permissions });
    scenario.done(role('control'), 'environment.register', {
      id: 'python3',
      uuid: scenario.uuid(),
      label: 'Python 3',
      language: 'python3',
      dependencyFile: 'requirements.txt',
    });
    const algorithm = scenario.uuid();
    scenario.done(ada, 'algorithm.create', { id: algorithm, owner: 'acme', name: 'Sum', environment: 'python3' });
    expect(scenario.refused(ada, 'organisation.delete', { name: 'acme' }).code).toBe('ACCOUNTS_IN_USE');
    scenario.done(ada, 'algorithm.delete', { id: algorithm });
    scenario.done(ada, 'organisation.delete', { name: 'acme' });
    expect(scenario.state.get(accountKind, 'acme')).toBeUndefined();
    expect(scenario.state.get(keyKind, id)).toBeUndefined();
  });

  it('name the missing organisation and the missing user apart', () => {
    const { scenario, ada } = given();
    const body = (organisation: string, account: string) => ({ organisation, account });
    const codeOf = (each: unknown) => scenario.refused(ada, 'organisation.member.put', each).details;
    expect(codeOf(body('none', 'eve'))).toEqual({ vendorCode: 3100 });
    expect(codeOf(body('acme', 'none'))).toEqual({ vendorCode: 3000 });
  });
});
