import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSandboxDriver } from '../../src/sandboxes/create.ts';
import { type Runner, type RunOutcome, startRunner } from '../../src/sandboxes/runner.ts';
import type { SandboxDriver } from '../../src/sandboxes/sandbox.ts';

const runtimeFolder = fileURLToPath(new URL('../../runtime', import.meta.url));
const mebibyte = 1024 * 1024;

type Files = Readonly<Record<string, string>>;
type Language = 'python' | 'javascript' | 'own';

const commands: Readonly<Record<Language, readonly string[]>> = {
  python: ['/usr/bin/python3', '/opt/millrace/runners/python/runner.py'],
  javascript: ['/opt/node', '/opt/millrace/runners/javascript/runner.mjs'],
  own: ['/usr/bin/python3', 'pipe.py'],
};

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe.each(['bubblewrap', 'docker', 'plain'] as const)('a runner in a sandbox of the driver %s', (kind) => {
  let folder: string;
  let driver: SandboxDriver;
  let api: Server;
  let count = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sandboxes-'));
    await chmod(folder, 0o755);
    driver = await createSandboxDriver({
      kind,
      runFolder: join(folder, 'run'),
      clock: systemClock,
      logger: silentLogger,
    });
    api = createServer((request, response) => {
      response.end(
        JSON.stringify({ result: `${request.method ?? ''} ${request.url ?? ''}`, metadata: { content_type: 'text' } }),
      );
    });
    await new Promise<void>((resolve) => api.listen(join(folder, 'api.sock'), resolve));
  });
  afterAll(async () => {
    await driver.close();
    api.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (language: Language, files: Files, loadTimeoutMs = 20_000): Promise<Runner> => {
    count += 1;
    const algorithm = join(folder, `algorithm-${count}`);
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(algorithm, name)), { recursive: true });
      await writeFile(join(algorithm, name), content);
    }
    return await startRunner({
      driver,
      loadTimeoutMs,
      clock: systemClock,
      logger: silentLogger,
      spec: {
        id: `runner-${count}`,
        command: commands[language],
        environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' },
        workingFolder: '/opt/algorithm',
        mounts: [
          { source: runtimeFolder, target: '/opt/millrace', writable: false },
          { source: process.execPath, target: '/opt/node', writable: false },
          { source: algorithm, target: '/opt/algorithm', writable: false },
        ],
        limits: {
          memoryBytes: 512 * mebibyte,
          cpus: 2,
          processes: 64,
          diskBytes: 32 * mebibyte,
          fileBytes: 32 * mebibyte,
          gpus: 0,
        },
        network: 'none',
        resultChannel: true,
        endpoint: join(folder, 'api.sock'),
      },
    });
  };
  const call = async (runner: Runner, value: unknown, timeoutMs = 20_000): Promise<RunOutcome> =>
    await runner.call({ contentType: 'json', body: json(value), timeoutMs });
  const valueOf = (outcome: RunOutcome): unknown =>
    outcome.kind === 'result' && outcome.contentType === 'json' ? JSON.parse(outcome.body.toString('utf8')) : outcome;
  const python = (body: string): Files => ({
    'src/__init__.py': '',
    'src/Algo.py': body,
    'algorithmia.conf': '{"algoname": "Algo"}',
  });

  describe('with a Python algorithm', () => {
    it('passes JSON, text and binary both ways', async () => {
      const runner = await start('python', python('def apply(input):\n    return input'));
      expect(valueOf(await call(runner, { a: [1, 2.5, null, 'ü'] }))).toEqual({ a: [1, 2.5, null, 'ü'] });
      const inputs = [
        ['json', '"a string in JSON"', 'text', 'a string in JSON'],
        ['json', '{\r\n "a":\n 1}', 'json', '{"a":1}'],
        ['text', 'two\nlines, "quotes", \u2028 and ü', 'text', 'two\nlines, "quotes", \u2028 and ü'],
        ['binary', '\u0000\u0001bytes', 'binary', '\u0000\u0001bytes'],
      ] as const;
      for (const [contentType, sent, kindBack, back] of inputs) {
        const outcome = await runner.call({ contentType, body: Buffer.from(sent), timeoutMs: 20_000 });
        expect(outcome).toMatchObject({ kind: 'result', contentType: kindBack, body: Buffer.from(back) });
      }
      await runner.stop(1000);
    });

    it('keeps its state between calls, and what each call printed with that call', async () => {
      const body =
        'import sys\nprint("loaded")\nn = 0\ndef apply(input):\n    global n\n    n += 1\n    print("out", n)\n    print("err", n, file=sys.stderr)\n    return n';
      const runner = await start('python', python(body));
      const first = await call(runner, null);
      expect(first.stdout).toContain('loaded\n');
      expect(first.stdout).toContain('out 1\n');
      const second = await call(runner, null);
      expect(valueOf(second)).toBe(2);
      expect(second.stderr).toBe('err 2\n');
      expect(second.stdout.split('\n').sort()).toEqual(['', 'err 2', 'out 2']);
      await runner.stop(1000);
    });

    it('answers with more than a pipe holds', async () => {
      const runner = await start('python', python('def apply(n):\n    return "x" * n'));
      const outcome = await call(runner, 5_000_000);
      expect(outcome.kind === 'result' ? outcome.body.length : outcome).toBe(5_000_000);
      await runner.stop(1000);
    });

    it('refuses a result above 15 MiB and goes on', async () => {
      const runner = await start('python', python('def apply(n):\n    return "x" * n'));
      expect(await call(runner, 16 * mebibyte)).toMatchObject({ kind: 'error', errorType: 'TooLargeError' });
      expect(await call(runner, 3)).toMatchObject({ kind: 'result' });
      await runner.stop(1000);
    });

    it('names the number that JSON cannot hold', async () => {
      const runner = await start('python', python('def apply(input):\n    return {"scores": [1.0, float("nan")]}'));
      expect(await call(runner, null)).toMatchObject({
        kind: 'error',
        errorType: 'AlgorithmError',
        message: expect.stringContaining("result['scores'][1] is nan") as string,
      });
      await runner.stop(1000);
    });

    it('reports errors with type and trace, and AlgorithmException in both its signatures', async () => {
      const body = [
        'from Algorithmia.errors import AlgorithmException',
        'def apply(input):',
        '    if input == 1: raise AlgorithmException("old", "InputError")',
        '    if input == 2: raise AlgorithmException("new", error_type="UnsupportedError")',
        '    raise KeyError("plain")',
      ].join('\n');
      const runner = await start('python', python(body));
      expect(await call(runner, 1)).toMatchObject({ kind: 'error', message: "'old'", errorType: 'InputError' });
      expect(await call(runner, 2)).toMatchObject({ kind: 'error', errorType: 'UnsupportedError' });
      const plain = await call(runner, 3);
      expect(plain).toMatchObject({ kind: 'error', message: "'plain'", errorType: 'AlgorithmError' });
      expect(plain.kind === 'error' ? plain.stacktrace : '').toContain('src/Algo.py');
      await runner.stop(1000);
    });

    it('imports its own modules by both spellings', async () => {
      const runner = await start('python', {
        ...python('from . import one\nfrom src.two import TWO\ndef apply(input):\n    return [one.ONE, TWO]'),
        'src/one.py': 'ONE = 1',
        'src/two.py': 'TWO = 2',
      });
      expect(valueOf(await call(runner, null))).toEqual([1, 2]);
      await runner.stop(1000);
    });

    it('finds the file by millrace.yaml, or takes the only one', async () => {
      const files = {
        'src/b.py': 'def apply(input):\n    return "b"',
        'src/a.py': 'def apply(input):\n    return "a"',
      };
      const named = await start('python', { ...files, 'millrace.yaml': 'language: python\nname: b # this one\n' });
      expect(await call(named, null)).toMatchObject({ body: Buffer.from('b') });
      const only = await start('python', { 'src/c.py': 'def apply(input):\n    return "c"', 'src/c_test.py': '' });
      expect(await call(only, null)).toMatchObject({ body: Buffer.from('c') });
      await Promise.all([named.stop(1000), only.stop(1000)]);
    });

    it('runs the ADK, gives an empty state to apply, and survives an error on current Pythons', async () => {
      const body = [
        'from Algorithmia import ADK',
        'def load(state):',
        '    return {}',
        'def apply(input, state):',
        '    if input == "fail": raise ValueError("failed")',
        '    state["n"] = state.get("n", 0) + 1',
        '    return state',
        'ADK(apply, load).init("sample")',
      ].join('\n');
      const runner = await start('python', { ...python(body), '.adk': '' });
      expect(await call(runner, 'fail')).toMatchObject({ kind: 'error', message: 'failed' });
      expect(valueOf(await call(runner, 'x'))).toEqual({ n: 1 });
      await runner.stop(1000);
    });

    it('answers every request with the error of a failed ADK load', async () => {
      const body =
        'from adk import ADK\ndef load(state):\n    raise ValueError("no model")\ndef apply(input, state):\n    return 1\nADK(apply, load).init()';
      const runner = await start('python', python(body));
      for (const input of [1, 2]) {
        expect(await call(runner, input)).toMatchObject({
          kind: 'error',
          message: 'no model',
          errorType: 'LoadingError',
        });
      }
      await runner.stop(1000);
    });

    it('serves the oldest form, handler(apply, load).serve()', async () => {
      const body =
        'import Algorithmia\ndef load():\n    return [7]\ndef apply(input, state):\n    return state\nAlgorithmia.handler(apply, load).serve()';
      const runner = await start('python', python(body));
      expect(valueOf(await call(runner, 1))).toEqual([7]);
      await runner.stop(1000);
    });

    it('keeps its child processes from eating requests', async () => {
      const body =
        'import subprocess\ndef apply(input):\n    return subprocess.run(["cat"], capture_output=True).stdout.decode() + str(input)';
      const runner = await start('python', python(body));
      expect(await call(runner, 1)).toMatchObject({ kind: 'result', body: Buffer.from('1') });
      expect(await call(runner, 2)).toMatchObject({ kind: 'result', body: Buffer.from('2') });
      await runner.stop(1000);
    });

    it('reaches the platform through its socket, without a key', async () => {
      const body =
        'import Algorithmia\ndef apply(input):\n    return Algorithmia.client().algo("algo://demo/Other/1.0.0").pipe(input).result';
      const runner = await start('python', python(body));
      const outcome = await call(runner, { a: 1 });
      expect(outcome).toMatchObject({ kind: 'result', contentType: 'text' });
      expect(outcome.kind === 'result' ? outcome.body.toString('utf8') : '').toMatch(
        /^POST \/v1\/algo\/demo\/Other\/1.0.0/,
      );
      await runner.stop(1000);
    });
  });

  describe('with a JavaScript algorithm', () => {
    const javascript = (body: string): Files => ({ 'src/Algo.js': body, 'algorithmia.conf': '{"algoname": "Algo"}' });

    it('takes callbacks once, promises, bytes and nothing at all', async () => {
      const body = [
        'exports.apply = (input, cb) => {',
        '  if (input === "twice") { cb(null, 1); cb(null, 2); return; }',
        '  if (input === "nothing") return cb(null, undefined);',
        '  if (input === "promise") return Promise.resolve({ from: "promise" });',
        '  if (input === "bytes") return cb(null, Buffer.from([0, 255]));',
        '  if (input === "throw") throw new TypeError("thrown");',
        '  cb(new Error("given"));',
        '};',
      ].join('\n');
      const runner = await start('javascript', javascript(body));
      expect(valueOf(await call(runner, 'twice'))).toBe(1);
      expect(valueOf(await call(runner, 'nothing'))).toBeNull();
      expect(valueOf(await call(runner, 'promise'))).toEqual({ from: 'promise' });
      expect(await call(runner, 'bytes')).toMatchObject({ contentType: 'binary', body: Buffer.from([0, 255]) });
      expect(await call(runner, 'throw')).toMatchObject({ kind: 'error', message: 'TypeError: thrown' });
      expect(await call(runner, 'other')).toMatchObject({ kind: 'error', message: 'Error: given' });
      await runner.stop(1000);
    });

    it('answers for an error in a later tick, and is then replaced', async () => {
      const runner = await start(
        'javascript',
        javascript('exports.apply = () => { setTimeout(() => { throw new Error("later"); }, 1); };'),
      );
      expect(await call(runner, 1)).toMatchObject({ kind: 'error', message: 'Error: later' });
      expect((await runner.exited).code).toBe(1);
      expect(runner.alive).toBe(false);
    });

    it('reaches the platform with the client that it finds', async () => {
      const body =
        'const algorithmia = require("algorithmia");\nexports.apply = (input, cb) => algorithmia().algo("demo/Other").pipe(input).then((r) => cb(null, r.get()), cb);';
      const runner = await start('javascript', javascript(body));
      expect(await call(runner, 1)).toMatchObject({ kind: 'result', body: Buffer.from('POST /v1/algo/demo/Other') });
      await runner.stop(1000);
    });

    it('loads ECMAScript modules', async () => {
      const runner = await start('javascript', { 'src/only.mjs': 'export const apply = async (input) => input + 1;' });
      expect(valueOf(await call(runner, 1))).toBe(2);
      await runner.stop(1000);
    });
  });

  describe('that does not load', () => {
    it('is reported with what it printed', async () => {
      const failed = start('python', python('print("before")\nimport not_there'));
      await expect(failed).rejects.toMatchObject({
        code: 'SANDBOX_LOAD_FAILED',
        message: expect.stringMatching(/exit code 1[^]*before[^]*No module named 'not_there'/) as string,
      });
    });

    it('is ended at the load time-out', async () => {
      const failed = start('python', python('print("waiting")\nimport time\ntime.sleep(600)'), 700);
      await expect(failed).rejects.toMatchObject({
        code: 'SANDBOX_LOAD_FAILED',
        message: expect.stringContaining('0.7 s') as string,
      });
    });

    it('is reported although it answers on the result channel instead, as runners of other languages do', async () => {
      const pipe =
        'import os\nwith open(os.environ.get("MILLRACE_RESULT_PIPE", "/tmp/algoout"), "w") as f: f.write(\'{"error": {"message": "broken model"}}\\n\')\nimport time; time.sleep(600)';
      await expect(start('own', { 'pipe.py': pipe })).rejects.toMatchObject({
        code: 'SANDBOX_LOAD_FAILED',
        message: expect.stringContaining('broken model') as string,
      });
    });
  });

  describe('that misbehaves', () => {
    const pipe = (answer: string): Files => ({
      'pipe.py': [
        'import os, sys',
        'print("[1] \\"PIPE_INIT_COMPLETE\\"", flush=True)',
        'for line in sys.stdin:',
        '    with open(os.environ.get("MILLRACE_RESULT_PIPE", "/tmp/algoout"), "w") as f:',
        `        f.write(${answer})`,
      ].join('\n'),
    });

    it('and ends during a call is an outcome, and so is calling it again', async () => {
      const runner = await start('python', python('import os\ndef apply(input):\n    os._exit(7)'));
      expect(await call(runner, 1)).toMatchObject({ kind: 'exited', code: 7, outOfMemory: false });
      expect(await call(runner, 1)).toMatchObject({ kind: 'exited', code: 7 });
    });

    it('and takes too long is ended', async () => {
      const runner = await start(
        'python',
        python('import time\ndef apply(input):\n    print("begun", flush=True)\n    time.sleep(600)'),
      );
      expect(await call(runner, 1, 300)).toMatchObject({ kind: 'timeout', stdout: 'begun\n' });
      await runner.exited;
    });

    it('and writes garbage is ended, and its caller told', async () => {
      const runner = await start('own', pipe('"garbage\\n"'));
      expect(await call(runner, 1)).toMatchObject({ kind: 'error', errorType: 'SystemExit' });
      await runner.exited;
    });

    it('and answers twice is ended after the first answer', async () => {
      const line = JSON.stringify(JSON.stringify({ result: 1, metadata: { content_type: 'json' } }));
      const runner = await start('own', pipe(`(${line} + "\\n") * 2`));
      expect(valueOf(await call(runner, 1))).toBe(1);
      await runner.exited;
      expect(runner.alive).toBe(false);
    });

    it('and writes another shape, without a newline, is understood', async () => {
      const line = JSON.stringify('{"metadata":{"content_type":"text","x":1},"result":"odd"}');
      const runner = await start('own', pipe(line));
      for (const input of [1, 2])
        expect(await call(runner, input)).toMatchObject({ kind: 'result', body: Buffer.from('odd') });
      await runner.stop(1000);
    });

    it('and asks for its replacement gets it', async () => {
      const runner = await start(
        'own',
        pipe(JSON.stringify('{"error":{"message":"again","error_type":"SystemExit"}}\n')),
      );
      expect(await call(runner, 1)).toMatchObject({ kind: 'error', message: 'again', errorType: 'SystemExit' });
      await runner.exited;
    });

    it('and prints without end is kept within bounds', async () => {
      const runner = await start('python', python('def apply(input):\n    print("y" * 300000)\n    return 1'));
      const outcome = await call(runner, 1);
      expect(outcome.stdout.length).toBeLessThan(70_000);
      expect(outcome.stdout).toContain('more bytes were printed');
      await runner.stop(1000);
    });

    it('refuses a second call while one runs', async () => {
      const runner = await start('python', python('import time\ndef apply(input):\n    time.sleep(0.2)\n    return 1'));
      const first = call(runner, 1);
      await expect(call(runner, 2)).rejects.toMatchObject({ code: 'SANDBOX_RUNNER_BUSY' });
      expect(valueOf(await first)).toBe(1);
      await runner.stop(1000);
    });
  });
});
