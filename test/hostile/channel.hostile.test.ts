import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/kernel/limits.ts';
import { expectNextCall, type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { oneDriver } from './drivers.ts';
import { timeout } from './outcomes.ts';

const failed = (errorType: string, message: unknown) => ({ status: 'failed', error: { errorType, message } });
const containing = (text: string): unknown => expect.stringContaining(text);

describe.each(oneDriver)('an algorithm that misuses the way it answers, under $kind', (driver) => {
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
