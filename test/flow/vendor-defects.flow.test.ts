import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSandboxDriver } from '../../src/sandboxes/create.ts';
import { type Runner, startRunner } from '../../src/sandboxes/runner.ts';
import type { SandboxDriver } from '../../src/sandboxes/sandbox.ts';
import {
  type Answered,
  type Deployed,
  type ExecutorScenario,
  openExecutorScenario,
} from '../helpers/executor-scenario.ts';

/**
 * What broke in the vendor's runtime, one defect a test. Two are not here: tests that no build ran (builder.flow), and
 * runners of languages that no environment runs.
 */

const textOf = ({ result }: Answered): string => result.body?.toString('utf8') ?? '';
const valueOf = (answered: Answered): unknown => JSON.parse(textOf(answered));

const pythonFiles = (code: string) => ({ 'algorithmia.conf': '{"algoname":"work"}', 'src/work.py': code });
const javascriptFiles = (code: string) => ({ 'algorithmia.conf': '{"algoname":"work"}', 'src/work.js': code });

describe('a defect of the vendor that is no more', () => {
  let scenario: ExecutorScenario;

  beforeAll(async () => {
    scenario = await openExecutorScenario('bubblewrap');
    await scenario.startExecutor();
  });
  afterAll(async () => {
    await scenario.close();
    expect(scenario.failures).toEqual([]);
  });

  const python = async (code: string): Promise<Deployed> => await scenario.deploy(pythonFiles(code));
  const ask = async (deployed: Deployed, value: unknown): Promise<Answered> =>
    await scenario.call(deployed, JSON.stringify(value));

  it('a result that is written in several parts does not kill the runner whose reader has seen its end', async () => {
    const deployed = await python('import os\ndef apply(input):\n    return [os.getpid(), "x" * 9000]\n');
    const pids = new Set<unknown>();
    for (let count = 0; count < 100; count += 1) pids.add((valueOf(await ask(deployed, count)) as unknown[])[0]);
    expect(pids.size).toBe(1);
  });

  it.each([
    ['the development kit', 'from Algorithmia import ADK\n', 'ADK(apply).init()'],
    ['a handler', 'import Algorithmia\n', 'Algorithmia.handler(apply).serve()'],
  ])(
    'an error of an algorithm with %s is answered on a Python of today, not by a dead runner',
    async (_, head, tail) => {
      const deployed = await python(`${head}def apply(input):\n    return 1 // input\n${tail}\n`);
      expect((await ask(deployed, 0)).result.error).toMatchObject({
        message: 'integer division or modulo by zero',
        errorType: 'AlgorithmError',
        stacktrace: expect.stringContaining('return 1 // input') as string,
      });
      expect(textOf(await ask(deployed, 1))).toBe('1');
    },
  );

  it.each([
    ['an empty dictionary', '{}', '{}'],
    ['zero', '0', '0'],
    ['a value that has no truth, as arrays', 'Array()', '[1,2]'],
  ])('a load that returns %s hands it to apply', async (_, returned, expected) => {
    const deployed = await python(`from Algorithmia import ADK

class Array(list):
    def __init__(self):
        super().__init__([1, 2])

    def __bool__(self):
        raise ValueError("The truth value of an array with more than one element is ambiguous.")

def load():
    return ${returned}

def apply(input, state):
    return state

ADK(apply, load).init()
`);
    expect(textOf(await ask(deployed, null))).toBe(expected);
  });

  it('a number that JSON cannot hold fails the call that returned it, by its place, and no other call', async () => {
    const deployed = await python(
      'import os\ndef apply(input):\n    return float(input) if isinstance(input, str) else os.getpid()\n',
    );
    const before = textOf(await ask(deployed, 0));
    for (const number of ['nan', 'inf', '-inf']) {
      const { error } = (await ask(deployed, number)).result;
      expect(error?.message).toBe(
        `The result cannot be written as JSON: result is ${number}. Replace it, by None for example.`,
      );
    }
    expect(textOf(await ask(deployed, 0))).toBe(before);
  });

  it('a callback without a result answers null', async () => {
    const deployed = await scenario.deploy(javascriptFiles('exports.apply = (input, done) => done(null, undefined);'), {
      environment: 'javascript',
    });
    const answered = await ask(deployed, 1);
    expect([answered.result.status, textOf(answered)]).toEqual(['succeeded', 'null']);
  });

  it('what a call prints comes with its answer, and never with the next one', async () => {
    const deployed = await python(
      'from Algorithmia import ADK\ndef apply(input):\n    print("line %d" % input * 50)\nADK(apply).init()\n',
    );
    for (let count = 0; count < 20; count += 1) {
      const { stdout } = (await scenario.call(deployed, `${count}`, { wantsStdout: true })).result;
      expect(stdout).toBe(`${`line ${count}`.repeat(50)}\n`);
    }
  });

  it('copies of files go with the call that fetched them, unless the algorithm holds their file or path', async () => {
    const deployed = await python(`
import http.server, os, threading
import Algorithmia

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"content")

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Algorithmia.client("key", "http://127.0.0.1:%d" % server.server_port)
model = client.file("data://ann/models/m").getFile().name
names, held = [model], []

def apply(input):
    if input == "fetch":
        opened = client.file("data://ann/models/m").getFile()
        names.append(str(opened.name) + "")
        kept = client.file("data://ann/models/m").getFile()
        held.append(kept)
        names.append(str(kept.name) + "")
        path = client.file("data://ann/models/m").getFile(as_path=True)
        held.append(path)
        names.append(path + "")
        return [opened.read(), open(path).read()]
    return [os.path.exists(name) for name in names]
`);
    expect(valueOf(await ask(deployed, 'fetch'))).toEqual(['content', 'content']);
    expect(valueOf(await ask(deployed, 'look'))).toEqual([true, false, true, true]);
  });

  it('a load that never ends is ended after its own time limit, and its callers are told', async () => {
    const deployed = await scenario.deploy(pythonFiles('import time\nprint("fetching")\ntime.sleep(600)\n'), {
      run: { loadTimeoutS: 1 },
    });
    const { error } = (await ask(deployed, 1)).result;
    expect(error?.errorType).toBe('InitializationError');
    expect(error?.message).toContain('it did not report ready within 1 s');
    expect(error?.message).toContain('fetching');
  });
});

describe('a runner of another language', () => {
  let folder: string;
  let driver: SandboxDriver;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'defects-'));
    await chmod(folder, 0o755);
    driver = await createSandboxDriver({
      kind: 'bubblewrap',
      runFolder: join(folder, 'run'),
      clock: systemClock,
      logger: silentLogger,
    });
  });
  afterAll(async () => {
    await driver.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (id: string, script: string): Promise<Runner> =>
    await startRunner({
      driver,
      spec: {
        id,
        command: ['/bin/sh', '-c', script],
        environment: { PATH: '/usr/bin:/bin' },
        workingFolder: '/',
        mounts: [],
        limits: { memoryBytes: 64 * 2 ** 20, cpus: 1, processes: 16, diskBytes: 2 ** 20, fileBytes: 2 ** 20, gpus: 0 },
        network: 'none',
        resultChannel: true,
        endpoint: null,
      },
      loadTimeoutMs: 20_000,
      clock: systemClock,
      logger: silentLogger,
    });

  it('that reports a failing load as an answer before it is ready has failed to load, at once', async () => {
    const script = `echo '{"error":{"message":"no such model"}}' > /tmp/algoout; sleep 600`;
    await expect(start('early-error', script)).rejects.toThrow('The algorithm did not load: no such model');
  });

  it('that spells the stack trace as the .NET one does is understood', async () => {
    const answer = '{"error":{"message":"m","stack_trace":"at Algo.Apply"}}';
    const runner = await start(
      'other-key',
      `echo PIPE_INIT_COMPLETE; read line; echo '${answer}' > /tmp/algoout; read end`,
    );
    const outcome = await runner.call({ contentType: 'json', body: Buffer.from('1'), timeoutMs: 5_000 });
    expect(outcome).toMatchObject({ kind: 'error', message: 'm', stacktrace: 'at Algo.Apply' });
    await runner.stop(100);
  });

  it('that quotes its handshake, as R prints it, and answers without a newline is understood', async () => {
    const answer = '{"result":[1],"metadata":{"content_type":"json"}}';
    const script = `echo '[1] "PIPE_INIT_COMPLETE"'; while read line; do printf '%s' '${answer}' > /tmp/algoout; done`;
    const runner = await start('r-like', script);
    for (let count = 0; count < 3; count += 1) {
      const outcome = await runner.call({ contentType: 'json', body: Buffer.from('1'), timeoutMs: 5_000 });
      expect(outcome).toMatchObject({ kind: 'result', contentType: 'json' });
    }
    await runner.stop(100);
  });
});
