import { globSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor } from '../../src/executors/executors.ts';
import { type Answered, type ExecutorScenario, openExecutorScenario, until } from '../helpers/executor-scenario.ts';

const textOf = ({ result }: Answered): string => result.body?.toString('utf8') ?? '';

const python = (body: string) => ({ 'src/work.py': body, 'algorithmia.conf': '{"algoname":"work"}' });
/** Tells about the sandbox that it runs in, among others how long this machine had run when its interpreter started. */
const whoami = python(`
import os
started = int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
def apply(input): return {"started": started, "dependency": dependency(), "api": os.environ.get("ALGORITHMIA_API") is not None}
def dependency():
    try:
        import helper
        return helper.word
    except ImportError:
        return None
`);

interface Self {
  readonly started: number;
  readonly dependency: string | null;
  readonly api: boolean;
}
const uptimeS = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
const linesOf = (file: string): readonly string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean);
const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it died with the one before
  }
};
const selfOf = (answered: Answered): Self => JSON.parse(textOf(answered)) as Self;

describe('an executor with prewarmed sandboxes', () => {
  let scenario: ExecutorScenario;
  let executor: Executor;
  const waiting = (language: string): number => executor.presence().warm[`prewarmed:${language}`] ?? 0;
  const filled = async (): Promise<void> => {
    await until(() => !scenario.adopts || (waiting('python3') === 1 && waiting('javascript') === 1));
  };

  beforeAll(async () => {
    scenario = await openExecutorScenario('bubblewrap', { MILLRACE_PREWARMED: 1 });
    executor = await scenario.startExecutor();
  });
  afterAll(async () => {
    await scenario.close();
    expect(scenario.failures).toEqual([]);
  });

  it('runs the first call of a class in a sandbox that was there before, and starts another', async () => {
    if (!scenario.adopts) return;
    const deployed = await scenario.deploy(whoami, { dependencies: { 'helper.py': 'word = "helped"' } });
    await filled();
    const calledS = uptimeS();
    const answered = await scenario.call(deployed, '1');
    expect(selfOf(answered)).toMatchObject({ dependency: 'helped', api: true });
    expect(selfOf(answered).started).toBeLessThanOrEqual(calledS);
    await filled();
  });

  it('runs JavaScript with its dependencies in one', async () => {
    const source = 'const { word } = require("helper"); exports.apply = (input) => [word, input];';
    const deployed = await scenario.deploy(
      { 'src/work.js': source, 'algorithmia.conf': '{"algoname":"work"}' },
      { environment: 'javascript', dependencies: { 'helper/index.js': 'exports.word = "helped";' } },
    );
    await filled();
    expect(textOf(await scenario.call(deployed, '1'))).toBe('["helped",1]');
  });

  it("shows an algorithm's system packages to it alone, though the sandboxes that wait have none", async () => {
    const system = { 'usr/share/motd/text': 'good morning' };
    await filled();
    const look = 'return [os.path.exists(path) for path in ("/usr/share/motd/text", "/usr/bin/env")]';
    const read = python(`import os\ndef apply(input): ${look}\n`);
    const [seen, unseen] = [await scenario.deploy(read, { system }), await scenario.deploy(read)];
    expect(textOf(await scenario.call(seen, '1'))).toBe('[true,true]');
    expect(textOf(await scenario.call(unseen, '1'))).toBe('[false,true]');
  });

  it('gives each class a sandbox of its own, also when more classes come than sandboxes wait', async () => {
    const word = (n: number) => python(`seen = []\ndef apply(input):\n    seen.append(${n})\n    return seen`);
    const classes = await Promise.all([1, 2, 3].map(async (n) => await scenario.deploy(word(n))));
    const answers = await Promise.all(classes.map(async (each) => await scenario.call(each, '1')));
    expect(answers.map(textOf)).toEqual(['[1]', '[2]', '[3]']);
  });

  it('sets the limits of the build', async () => {
    const files = python('def apply(mebibytes): return len(bytearray(mebibytes << 20)) >> 20');
    const small = await scenario.deploy(files, { run: { memoryBytes: 64 * 1024 * 1024 } });
    await filled();
    const { result } = await scenario.call(small, '100');
    expect(result.error?.errorType).toBe('OutOfMemoryError');
  });

  it('answers the next call although every sandbox that waited was killed', async () => {
    const deployed = await scenario.deploy(python('def apply(input): return input'));
    await filled();
    const ids = await scenario.sandboxes();
    const members = ids.flatMap((id) => globSync(`/sys/fs/cgroup/**/millrace-*/${id}/cgroup.procs`));
    for (const pid of new Set(members.flatMap(linesOf))) kill(Number(pid));
    expect(textOf(await scenario.call(deployed, '7'))).toBe('7');
    await filled();
  });

  it('tells callers of an algorithm that does not load why, and goes on', async () => {
    const broken = await scenario.deploy(python('raise RuntimeError("never")'));
    await filled();
    const { result } = await scenario.call(broken, '1');
    expect(result.error).toMatchObject({ errorType: 'InitializationError' });
    expect(result.error?.message).toContain('RuntimeError: never');
    await filled();
  });
});

it('an executor whose sandboxes cannot be adopted starts each when it is called', async () => {
  const scenario = await openExecutorScenario('plain', { MILLRACE_PREWARMED: 1 });
  const executor = await scenario.startExecutor();
  const deployed = await scenario.deploy(whoami);
  const calledS = uptimeS();
  expect(selfOf(await scenario.call(deployed, '1')).started).toBeGreaterThanOrEqual(calledS);
  expect(Object.keys(executor.presence().warm).filter((key) => key.startsWith('prewarmed:'))).toEqual([]);
  await scenario.close();
});

it('an executor whose memory budget is too small for them keeps none', async () => {
  const scenario = await openExecutorScenario('bubblewrap', {
    MILLRACE_PREWARMED: 1,
    MILLRACE_EXECUTOR_MEMORY_MB: 200,
  });
  const executor = await scenario.startExecutor();
  const deployed = await scenario.deploy(whoami);
  await scenario.call(deployed, '1');
  await scenario.call(deployed, '1');
  expect(await scenario.sandboxes()).toHaveLength(1);
  expect(Object.values(executor.presence().warm)).toEqual([1]);
  await scenario.close();
});
