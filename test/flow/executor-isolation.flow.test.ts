import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answered, openExecutorScenario } from '../helpers/executor-scenario.ts';

const python = {
  'src/__init__.py': '',
  'src/count.py': `
import os
import time
started = time.time()
calls = 0
def apply(input):
    global calls
    calls += 1
    files = os.listdir("/tmp")
    open("/tmp/" + str(input), "w").write("secret")
    return {"calls": calls, "started": started, "files": files}
`,
  'algorithmia.conf': '{"algoname": "count"}',
};
const threaded = {
  ...python,
  'src/count.py': `import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n${python['src/count.py']}`,
};
const javascript = {
  'src/count.js': `
const { readdirSync, writeFileSync } = require('node:fs');
const started = Date.now() + Math.random();
let calls = 0;
exports.apply = (input) => {
  calls += 1;
  const files = readdirSync('/tmp').filter((name) => name !== 'algoout');
  writeFileSync('/tmp/' + String(input), 'secret');
  return { calls, started, files };
};
`,
  'algorithmia.conf': '{"algoname": "count"}',
};

interface Counted {
  readonly calls: number;
  readonly started: number;
  readonly files: readonly string[];
}
const countedOf = ({ result }: Answered): Counted => {
  if (result.body === null) throw new Error(`it failed: ${JSON.stringify(result.error)}`);
  return JSON.parse(result.body.toString('utf8')) as Counted;
};

describe('isolation call', () => {
  let scenario: Awaited<ReturnType<typeof openExecutorScenario>>;

  beforeAll(async () => {
    scenario = await openExecutorScenario('bubblewrap');
    await scenario.startExecutor();
  });
  afterAll(async () => {
    await scenario.close();
  });

  it('gives each call of a Python algorithm a copy of one prepared process, whoever calls', async () => {
    const deployed = await scenario.deploy(python, { run: { isolation: 'call' } });
    const ends = [];
    for (const account of ['ann', 'bob', 'ann']) ends.push(await scenario.call(deployed, '1', { account }));
    const [first, ...later] = ends.map(countedOf);
    expect(first).toMatchObject({ calls: 1, files: [] });
    expect(later).toEqual([first, first]);
    expect(ends.map(({ result }) => result.cold)).toEqual([true, false, false]);
  });

  it.each([
    ['a Python algorithm that cannot be forked', threaded, 'python3'],
    ['a JavaScript algorithm', javascript, 'javascript'],
  ] as const)('gives each call of %s a sandbox of its own', async (_, files, environment) => {
    const deployed = await scenario.deploy(files, { environment, run: { isolation: 'call' } });
    const ends = [];
    for (const account of ['ann', 'bob', 'ann']) ends.push(countedOf(await scenario.call(deployed, '1', { account })));
    expect(new Set(ends.map(({ started }) => started)).size).toBe(3);
    for (const end of ends) expect(end).toMatchObject({ calls: 1 });
    for (const end of ends) expect(end.files.filter((name) => name !== 'algoout')).toEqual([]);
  });

  it('limits the size of files and of /tmp as the build asks, within the pool', async () => {
    const files = {
      ...python,
      'src/count.py': `
import os
def apply(_):
    sizes = [os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize]
    try:
        with open("/tmp/x", "wb") as made:
            made.write(bytes(3 << 20))
            made.flush()
    except OSError as error:
        sizes.append(error.strerror)
    return sizes
`,
    };
    const mebibyte = 2 ** 20;
    const run = { diskBytes: 16 * mebibyte, fileBytes: 2 * mebibyte };
    for (const isolation of ['account', 'call'] as const) {
      const deployed = await scenario.deploy(files, { run: { ...run, isolation } });
      const { result } = await scenario.call(deployed, '1');
      expect(JSON.parse(result.body?.toString('utf8') ?? 'null')).toEqual([8 * mebibyte, 'File too large']);
    }
  });
});
