import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { driversUnderAttack } from './drivers.ts';

describe.each(driversUnderAttack)('two accounts that call one version, under $kind', (driver) => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene(driver);
  });
  afterAll(async () => {
    await scene.close();
  });

  it('share neither memory, files, sockets, keys nor processes', async () => {
    const attacker = await scene.deploy('accounts');
    await scene.attack(attacker, async () => {
      const left = await attacker.call('leave_everywhere', { text: 'of ann' }, { account: 'ann' });
      expect(valueOf(left)).toBeGreaterThan(2);
      expect(valueOf(await attacker.call('look_everywhere', {}, { account: 'ann' }))).not.toEqual([]);
      expect(valueOf(await attacker.call('look_everywhere', {}, { account: 'bob' }))).toEqual([]);
    });
  });

  it('find nothing that was left by a sandbox that has ended', async () => {
    const attacker = await scene.deploy('accounts');
    await scene.attack(attacker, async () => {
      await attacker.call('leave_everywhere', { text: 'of ann' }, { account: 'ann' });
      await expect.poll(() => attacker.processes().length, { timeout: 10_000 }).toBe(0);
      expect(valueOf(await attacker.call('look_everywhere', {}, { account: 'ann' }))).toEqual([]);
    });
  });

  it('report to their own runs, each of them', async () => {
    const attacker = await scene.deploy('accounts');
    await scene.attack(attacker, async () => {
      for (const account of ['ann', 'bob'])
        expect(valueOf(await attacker.call('report', { value: account }, { account }))).toBe(200);
      const insightsOf = (account: string) =>
        scene.scenario.insights.filter(
          (each) => each.algorithmId === attacker.deployed.algorithmId && each.account === account,
        );
      await expect.poll(() => insightsOf('bob').length).toBeGreaterThan(0);
      for (const account of ['ann', 'bob'])
        for (const { metrics } of insightsOf(account)) expect(metrics).toEqual({ value: account });
    });
  });
});
