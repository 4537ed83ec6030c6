import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNextCall, graceMs, type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { driversUnderAttack } from './drivers.ts';
import { timeout } from './outcomes.ts';

const failed = (errorType: string, message: unknown) => ({ status: 'failed', error: { errorType, message } });
const containing = (text: string): unknown => expect.stringContaining(text);

describe.each(driversUnderAttack)('an end of an algorithm, under $kind', (driver) => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene(driver);
  });
  afterAll(async () => {
    await scene.close();
  });

  it.each([
    ['while it is imported', 'import os\nos._exit(7)', 'exit code 7'],
    ['by a signal while it is imported', 'import os\nos.kill(os.getpid(), 9)', 'its process ended'],
    ['while it is loaded', 'import sys\nprint("no model")\nsys.exit(8)', 'no model'],
    ['of its patience', 'while True: pass', 'it did not report ready'],
  ])('%s is told to every caller', async (_, source, why) => {
    const attacker = await scene.deploySource(source, { run: { loadTimeoutS: 2 } });
    await scene.attack(attacker, async () => {
      for (const timeoutMs of [5_000, 5_000]) {
        const result = await attacker.call('ping', {}, { timeoutMs });
        expect(result).toMatchObject(failed('InitializationError', containing(why)));
      }
    });
  });

  it.each([
    ['exit', 'exited with code 3'],
    ['_exit', 'exited with code 3'],
    ['SIGKILL', containing('exited with code')],
    ['SIGSEGV', containing('exited with code')],
  ])('in a call (%s) is its answer, and the next call has a fresh sandbox', async (how, message) => {
    const attacker = await scene.deploy('channel');
    await scene.attack(attacker, async () => {
      expect(await attacker.call('leave', { how })).toMatchObject(failed('SystemExit', message));
      await expectNextCall(attacker);
    });
  });

  it('after the answer does no harm to it', async () => {
    const attacker = await scene.deploy('channel');
    await scene.attack(attacker, async () => {
      expect(valueOf(await attacker.call('leave_after'))).toBe('in time');
      await expect.poll(() => attacker.processes().length).toBe(0);
      // It may have been sent to the process just before the end of that was known.
      const next = await attacker.call('ping');
      if (next.status === 'failed') expect(next).toMatchObject(failed('SystemExit', 'exited with code 3'));
      else expect(valueOf(next)).toBe('pong');
      await expectNextCall(attacker);
    });
  });

  it('of all its descriptors leaves the call to its deadline or its end', async () => {
    const attacker = await scene.deploy('channel');
    await scene.attack(attacker, async () => {
      expect(['timeout', 'failed']).toContain((await attacker.call('close_all', {}, { timeoutMs: 1_500 })).status);
      await expectNextCall(attacker);
    });
  });

  it('comes although it ignores every signal that can be ignored', async () => {
    const attacker = await scene.deploy('channel');
    await scene.attack(attacker, async () => {
      expect(await attacker.call('ignore_signals', {}, { timeoutMs: 1_000 })).toMatchObject(timeout);
      await expect.poll(() => attacker.processes(), { timeout: graceMs }).toEqual([]);
      await expectNextCall(attacker);
    });
  });

  it('comes for threads, children and daemons as well when its sandbox goes', async () => {
    const attacker = await scene.deploy('channel');
    await scene.attack(attacker, async () => {
      expect(valueOf(await attacker.call('leave_behind'))).toBe('done');
      expect(attacker.processes().length).toBeGreaterThan(3);
      await expectNextCall(attacker);
    });
  });

  it('comes for a sandbox that answers what nobody asked', async () => {
    const attacker = await scene.deploy('channel');
    await scene.attack(attacker, async () => {
      expect(valueOf(await attacker.call('answer_later'))).toBe('in time');
      await expect.poll(() => attacker.processes().length).toBe(0);
      await expectNextCall(attacker);
    });
  });
});
