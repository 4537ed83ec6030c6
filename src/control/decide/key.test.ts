import { describe, expect, it } from 'vitest';
import { createScenario, type Scenario, type ScenarioActor } from '../../../test/helpers/control-scenario.ts';
import { keyKind, type Permissions } from '../../accounts/accounts.ts';

const callOnly: Permissions = { call: ['demo/*'], manage: false, admin: false };

const bodyOf = (scenario: Scenario, account: string, permissions: Permissions = callOnly) => ({
  id: scenario.uuid(),
  account,
  hash: scenario.uuid().replaceAll('-', '').padStart(64, '0'),
  label: 'a key',
  permissions,
});

describe('keys', () => {
  it('are made for the own account, and the reply has no hash', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    const body = bodyOf(scenario, 'ADA');
    const effect = scenario.done(ada, 'key.create', body);
    expect(scenario.state.get(keyKind, body.id)).toMatchObject({ account: 'ada', hash: body.hash, revokedAtMs: null });
    expect(JSON.stringify([effect.reply, effect.details])).not.toContain(body.hash);
  });

  it('are made for others by administrators only', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    const root = scenario.user('Root', { admin: true });
    expect(scenario.refused(ada, 'key.create', bodyOf(scenario, 'root'))).toMatchObject({ kind: 'forbidden' });
    scenario.done(root, 'key.create', bodyOf(scenario, 'ada'));
  });

  it('never get a permission that their maker has not', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada', { call: ['demo/*'] });
    const wanted: Permissions[] = [
      { ...callOnly, admin: true },
      { ...callOnly, call: ['*'] },
      { ...callOnly, call: ['demo/hello', 'other/hello'] },
    ];
    for (const permissions of wanted) {
      expect(scenario.refused(ada, 'key.create', bodyOf(scenario, 'ada', permissions))).toMatchObject({
        kind: 'forbidden',
      });
    }
    scenario.done(ada, 'key.create', bodyOf(scenario, 'ada', { ...callOnly, call: ['Demo/hello'.toLowerCase()] }));
  });

  it('are unique by id and by hash', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    const body = bodyOf(scenario, 'ada');
    scenario.done(ada, 'key.create', body);
    for (const again of [
      { ...bodyOf(scenario, 'ada'), id: body.id },
      { ...bodyOf(scenario, 'ada'), hash: body.hash },
    ]) {
      expect(scenario.refused(ada, 'key.create', again).code).toBe('ACCOUNTS_KEY_TAKEN');
    }
  });

  it('stop working for commands once they are revoked', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    scenario.done(ada, 'key.revoke', { id: ada.keyId });
    const error = scenario.refused(ada, 'key.create', bodyOf(scenario, 'ada'));
    expect(error).toMatchObject({ kind: 'unauthenticated', details: { vendorCode: 2002 } });
  });

  it('cannot be used in the name of another account', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    scenario.user('Eve');
    const forged: ScenarioActor = { actor: 'eve', keyId: ada.keyId };
    expect(scenario.refused(forged, 'key.create', bodyOf(scenario, 'eve'))).toMatchObject({ kind: 'unauthenticated' });
  });

  it('are revoked once: a second revocation changes nothing', () => {
    const scenario = createScenario();
    const ada = scenario.user('Ada');
    const body = bodyOf(scenario, 'ada');
    scenario.done(ada, 'key.create', body);
    scenario.done(ada, 'key.revoke', { id: body.id });
    scenario.nowMs += 1_000;
    expect(scenario.done(ada, 'key.revoke', { id: body.id }).changes).toBeUndefined();
  });
});
