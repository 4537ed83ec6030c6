import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/kernel/limits.ts';
import { type Attacker, type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { driversUnderAttack } from './drivers.ts';
import { timeout } from './outcomes.ts';

const expectNextCall = async (attacker: Attacker): Promise<void> => {
  expect(valueOf(await attacker.call('ping', {}, { timeoutMs: 10_000 }))).toBe('pong');
};
const failed = (errorType: string, message: unknown) => ({ status: 'failed', error: { errorType, message } });
const containing = (text: string): unknown => expect.stringContaining(text);

describe.each(driversUnderAttack)('an algorithm that misuses the way it answers, under $kind', (driver) => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene(driver);
  });
  afterAll(async () => {
    await scene.close();
  });

  describe('in place of an answer', () => {
    it.each([
      ['garbage', 'no answer at all\n', 'something that is not JSON'],
      ['bytes of no text', '\u0000\u00ff\u0000\n', 'something that is not JSON'],
      ['JSON of another shape', '[1]\n', 'JSON that is not an object'],
      ['an object without a result', '{"a": 1}\n', 'neither result nor error'],
      ['a result without its type', '{"result": 1}\n', 'no content type'],
      ['an error without a message', '{"error": {}}\n', 'an error without a message'],
      [
        'a result that is no JSON',
        '{"result": 1}, {"x": 2, "metadata": {"content_type": "json"}}\n',
        'something that is not JSON',
      ],
    ])('%s is an error, and the sandbox goes', async (_, text, why) => {
      const attacker = await scene.deploy('channel');
      await scene.attack(attacker, async () => {
        expect(await attacker.call('write_text', { text })).toMatchObject(failed('SystemExit', containing(why)));
        await expectNextCall(attacker);
      });
    });

    it('the beginning of one is none', async () => {
      const attacker = await scene.deploy('channel');
      await scene.attack(attacker, async () => {
        const begun = { text: '{"result": {"a":', hang: true };
        expect(await attacker.call('write_text', begun, { timeoutMs: 1_000 })).toMatchObject(timeout);
        const garbage = await attacker.call('write_text', { text: '{"result": {"a":' });
        expect(garbage).toMatchObject(failed('SystemExit', containing('not JSON')));
        await expectNextCall(attacker);
      });
    });

    it.each([
      ['write_line', { size: 100_000_000 }, failed('TooLargeError', containing('larger'))],
      ['drip', { size: 20_000_000 }, timeout],
      ['nested', { depth: 400_000 }, failed('SystemExit', containing('nested'))],
      ['many_values', { size: 20_000_000 }, failed('SystemExit', containing('shape'))],
      ['raise_much', { size: 10_000_000 }, failed('AlgorithmError', containing('cut off'))],
    ])('a line made to cost the platform dearly costs it little (%s)', async (todo, input, outcome) => {
      const attacker = await scene.deploy('channel', { run: { memoryBytes: 512 * 1024 * 1024 } });
      await scene.attack(attacker, async () => {
        expect(await attacker.call(todo, input)).toMatchObject(outcome);
        await expectNextCall(attacker);
      });
    });
  });

  describe('more than one answer', () => {
    it('the first counts, and the sandbox goes', async () => {
      const attacker = await scene.deploy('channel');
      await scene.attack(attacker, async () => {
        for (const todo of ['answer_twice', 'answer_then_own']) {
          expect(valueOf(await attacker.call(todo))).toBe('first');
          await expectNextCall(attacker);
        }
      });
    });

    it('one that nobody asked for ends the sandbox', async () => {
      const attacker = await scene.deploy('channel');
      await scene.attack(attacker, async () => {
        expect(valueOf(await attacker.call('answer_later'))).toBe('in time');
        await expect.poll(() => attacker.processes().length).toBe(0);
        await expectNextCall(attacker);
      });
    });

    it('before any request, the algorithm does not load', async () => {
      const early = 'open("/tmp/algoout", "w").write("{}\\n")\nimport time\ntime.sleep(600)';
      const attacker = await scene.deploySource(early);
      await scene.attack(attacker, async () => {
        const outcome = failed('InitializationError', containing('it answered before any request'));
        expect(await attacker.call('ping')).toMatchObject(outcome);
        expect(await attacker.call('ping')).toMatchObject(outcome);
      });
    });
  });

  describe('an end', () => {
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
        expect(attacker.processes()).toEqual([]);
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
  });

  it('keeps what it prints within bounds while it loads as well', async () => {
    const source = 'import sys\nfor _ in range(200): sys.stdout.write("PIPE_INIT" * 50_000)\nsys.exit(4)';
    const attacker = await scene.deploySource(source);
    await scene.attack(attacker, async () => {
      const { error } = await attacker.call('ping', {}, { timeoutMs: 10_000 });
      expect(error?.errorType).toBe('InitializationError');
      expect(error?.message.length).toBeLessThan(limits.logBytesPerRun + 1_000);
    });
  });
});
