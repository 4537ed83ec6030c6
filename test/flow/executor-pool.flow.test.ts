import { afterEach, describe, expect, it } from 'vitest';
import type { ExecutorsConfig } from '../../src/executors/config.ts';
import {
  type Answered,
  type Deployed,
  type ExecutorScenario,
  openExecutorScenario,
  until,
} from '../helpers/executor-scenario.ts';

const python = (body: string) => ({
  'src/work.py': `import os, time\n${body}`,
  'algorithmia.conf': '{"algoname":"work"}',
});
const valueOf = ({ result }: Answered): unknown => JSON.parse(result.body?.toString('utf8') ?? 'null');
/** Answers with what differs from one sandbox to the next, after as many seconds as it is asked for. */
const stamped = python('stamp = time.time_ns()\ndef apply(seconds):\n    time.sleep(seconds)\n    return str(stamp)');

describe('the sandboxes of an executor', () => {
  let scenario: ExecutorScenario;
  const open = async (config: Partial<ExecutorsConfig>): Promise<ExecutorScenario> => {
    scenario = await openExecutorScenario('bubblewrap', config);
    return scenario;
  };
  afterEach(async () => {
    await scenario.close();
    expect(scenario.failures).toEqual([]);
  });
  const warmKey = ({ algorithmId, build }: Deployed): string => `${algorithmId}@${build.hash}`;

  it('end when nobody called them for a while, and the next call gets a fresh one', async () => {
    const { deploy, call, sandboxes, startExecutor } = await open({ MILLRACE_IDLE_EXPIRY_S: 1 });
    const deployed = await deploy(stamped);
    const executor = await startExecutor();
    const first = valueOf(await call(deployed, '0'));
    expect(executor.presence().warm).toEqual({ [warmKey(deployed)]: 1 });
    await until(async () => (await sandboxes()).length === 0);
    expect(executor.presence().warm).toEqual({});
    const next = await call(deployed, '0');
    expect(next.result.cold).toBe(true);
    expect(valueOf(next)).not.toBe(first);
  });

  it('make room for another class when both together need more memory than there is', async () => {
    const { deploy, call, startExecutor } = await open({ MILLRACE_EXECUTOR_MEMORY_MB: 200 });
    const large = python('kept = bytearray(120 << 20)\nstamp = time.time_ns()\ndef apply(input): return str(stamp)');
    const [one, other] = [await deploy(large), await deploy(large)];
    const executor = await startExecutor();
    const first = valueOf(await call(one, '1'));
    expect((await call(other, '1')).result.status).toBe('succeeded');
    expect(executor.presence().warm).toEqual({ [warmKey(other)]: 1 });
    expect(valueOf(await call(one, '1'))).not.toBe(first);
    expect(executor.presence().warm).toEqual({ [warmKey(one)]: 1 });
  });

  it('stay side by side where the memory suffices', async () => {
    const { deploy, call, startExecutor } = await open({ MILLRACE_EXECUTOR_MEMORY_MB: 600 });
    const [one, other] = [await deploy(stamped), await deploy(stamped)];
    const executor = await startExecutor();
    await Promise.all([call(one, '0'), call(other, '0')]);
    expect(executor.presence().warm).toEqual({ [warmKey(one)]: 1, [warmKey(other)]: 1 });
  });

  it('give up their slot between two calls when a class without one waits', async () => {
    const { answers, answerOf, deploy, send, startExecutor } = await open({ MILLRACE_SLOTS: 1 });
    const [busy, waiting] = [await deploy(stamped), await deploy(stamped)];
    await startExecutor();
    const many: Awaited<ReturnType<typeof send>>[] = [];
    for (let n = 0; n < 12; n += 1) many.push(await send(busy, '0.25'));
    await until(() => answers.length > 0);
    const late = await answerOf(await send(waiting, '0'));
    const before = answers.indexOf(late);
    expect(before).toBeLessThan(many.length);
    const stamps = await Promise.all(many.map(async (id) => valueOf(await answerOf(id))));
    // The busy class went on in a second sandbox.
    expect(new Set(stamps).size).toBe(2);
  });

  it('are tried again ever more rarely when their algorithm does not load, and callers are told meanwhile', async () => {
    const { deploy, call, startExecutor } = await open({});
    const broken = await deploy(python('raise RuntimeError("tried at <%d>" % time.time_ns())'));
    await startExecutor();
    const triedAtMs: number[] = [];
    let calls = 0;
    while (triedAtMs.length < 3) {
      const { error } = (await call(broken, '1')).result;
      expect(error?.errorType).toBe('InitializationError');
      const atMs = Number(/tried at <(\d+)>/.exec(error?.message ?? '')?.[1]) / 1e6;
      if (triedAtMs.at(-1) !== atMs) triedAtMs.push(atMs);
      calls += 1;
    }
    const [first = 0, second = 0, third = 0] = triedAtMs;
    expect(second - first).toBeGreaterThanOrEqual(500);
    expect(third - second).toBeGreaterThanOrEqual(1_000);
    expect(calls).toBeGreaterThan(6);
  });

  it('that still load hold up no stop, and their calls are left to other executors', async () => {
    const { answers, answerOf, clock, deploy, sandboxes, send, startExecutor } = await open({});
    const slow = await deploy(python('time.sleep(3)\ndef apply(input): return input'));
    const first = await startExecutor();
    const id = await send(slow, '1');
    await until(async () => (await sandboxes()).length === 1);
    const begunMs = clock.monotonicMs();
    await first.stop();
    expect(clock.monotonicMs() - begunMs).toBeLessThan(2_000);
    expect(answers).toEqual([]);
    await startExecutor();
    expect(valueOf(await answerOf(id))).toBe(1);
    expect(answers).toHaveLength(1);
  });
});
