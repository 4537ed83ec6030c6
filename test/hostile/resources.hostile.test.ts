import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../src/kernel/contracts/contracts.gen.ts';
import { limits } from '../../src/kernel/limits.ts';
import { expectNextCall, type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { driversUnderAttack } from './drivers.ts';
import { outOfMemory, timeout } from './outcomes.ts';

/** Either its own limit of space was met, or the space, which lies in memory, filled its memory. */
const expectFull = (result: Result, refusals: readonly unknown[]): void => {
  if (result.status === 'failed') expect(result).toMatchObject(outOfMemory);
  else expect(refusals).toContainEqual(expect.arrayContaining(['ENOSPC']));
};

describe.each(driversUnderAttack)('an algorithm that takes what it can get, under $kind', (driver) => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene(driver);
  });
  afterAll(async () => {
    await scene.close();
  });

  it('ends with its deadline when it is a fork bomb', async () => {
    const attacker = await scene.deploy('resources');
    await scene.attack(attacker, async () => {
      expect(await attacker.call('fork_bomb', {}, { timeoutMs: 2_000 })).toMatchObject(timeout);
      await expectNextCall(attacker);
    });
  });

  it('is told that it ran out of memory', async () => {
    const attacker = await scene.deploy('resources');
    await scene.attack(attacker, async () => {
      expect(await attacker.call('eat_memory', {}, { timeoutMs: 10_000 })).toMatchObject(outOfMemory);
      await expectNextCall(attacker);
    });
  });

  it('gets no more memory with many processes', async () => {
    const attacker = await scene.deploy('resources');
    await scene.attack(attacker, async () => {
      const result = await attacker.call('eat_memory_together', { processes: 30 }, { timeoutMs: 3_000 });
      // The kernel chooses which process dies: all the children in turn, or the one that answers.
      if (result.status === 'failed') expect(result).toMatchObject(outOfMemory);
      else if (result.status === 'timeout') expect(result).toMatchObject(timeout);
      else expect(valueOf(result)).toBe(30);
      await expectNextCall(attacker);
    });
  });

  it('leaves processors to others when it spins in 64 threads', async () => {
    const attacker = await scene.deploy('resources', { run: { cpus: 1, processes: 128 } });
    await scene.attack(attacker, async () => {
      expect(await attacker.call('spin', { threads: 64 }, { timeoutMs: 2_000 })).toMatchObject(timeout);
      await expectNextCall(attacker);
    });
  });

  it('fills no disk but its own', async () => {
    const attacker = await scene.deploy('resources');
    await scene.attack(attacker, async () => {
      const result = await attacker.call('fill_disk', {}, { timeoutMs: 10_000 });
      expectFull(result, result.body === null ? [] : Object.values(valueOf(result) as object));
      await expectNextCall(attacker);
    });
  });

  it('fills no inodes but its own', async () => {
    const attacker = await scene.deploy('resources', { run: { memoryBytes: 64 * 1024 * 1024 } });
    await scene.attack(attacker, async () => {
      const result = await attacker.call('fill_inodes', {}, { timeoutMs: 10_000 });
      expectFull(result, result.body === null ? [] : [valueOf(result)]);
      await expectNextCall(attacker);
    });
  });

  it.each(['print_lines', 'print_line'])('may print 100 MB (%s), of which the beginning is kept', async (todo) => {
    const attacker = await scene.deploy('resources');
    await scene.attack(attacker, async () => {
      const result = await attacker.call(todo, { size: 100_000_000 }, { timeoutMs: 15_000, wantsStdout: true });
      expect(result.status).toBe('succeeded');
      expect(result.stdout?.length).toBeGreaterThan(limits.logBytesPerRun / 2);
      expect(result.stdout?.length).toBeLessThan(limits.logBytesPerRun + 100);
      await expectNextCall(attacker);
    });
  });

  it('prints until its deadline', async () => {
    const attacker = await scene.deploy('resources');
    await scene.attack(attacker, async () => {
      expect(await attacker.call('print_forever', {}, { timeoutMs: 2_000 })).toMatchObject(timeout);
      await expectNextCall(attacker);
    });
  });

  it('opens no more descriptors than the machine can spare', async () => {
    const attacker = await scene.deploy('resources');
    await scene.attack(attacker, async () => {
      const result = await attacker.call('open_descriptors', { processes: 30 }, { timeoutMs: 15_000 });
      expect(valueOf(result)).toMatchObject({ why: ['EMFILE'], hard: 4_096 });
      await expectNextCall(attacker);
    });
  });
});
