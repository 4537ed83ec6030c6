import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSandboxDriver } from '../../src/sandboxes/create.ts';
import { type Runner, type RunOutcome, startRunner } from '../../src/sandboxes/runner.ts';
import type { SandboxDriver } from '../../src/sandboxes/sandbox.ts';

const runtimeFolder = fileURLToPath(new URL('../../runtime', import.meta.url));
const mebibyte = 1024 * 1024;

/** Runs what it is sent, as code that took over a call would. */
const hostile = `
import ctypes, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
loaded = {"count": 0}
def apply(code):
    loaded["count"] += 1
    scope = dict(globals())
    exec(code, scope)
    return scope.get("result")
`;

describe('calls that are forked from a prepared Python process', () => {
  let folder: string;
  let driver: SandboxDriver;
  let runner: Runner;
  let count = 0;

  const start = async (algorithm: string, nests = true): Promise<Runner> => {
    count += 1;
    const source = join(folder, `algorithm-${count}`);
    await mkdir(join(source, 'src'), { recursive: true });
    await writeFile(join(source, 'src/algo.py'), algorithm);
    return await startRunner({
      driver,
      loadTimeoutMs: 20_000,
      clock: systemClock,
      logger: silentLogger,
      spec: {
        id: `forks-${count}`,
        command: ['/usr/bin/python3', '/opt/millrace/runners/python/runner.py', 'fork'],
        environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' },
        workingFolder: '/opt/algorithm',
        mounts: [
          { source: runtimeFolder, target: '/opt/millrace', writable: false },
          { source, target: '/opt/algorithm', writable: false },
        ],
        limits: {
          memoryBytes: 256 * mebibyte,
          cpus: 2,
          processes: 16,
          diskBytes: 32 * mebibyte,
          fileBytes: 32 * mebibyte,
          gpus: 0,
        },
        network: 'none',
        resultChannel: true,
        endpoint: null,
        nests,
      },
    });
  };
  const call = async (code: string, timeoutMs = 20_000): Promise<RunOutcome> =>
    await runner.call({ contentType: 'text', body: Buffer.from(code), timeoutMs });
  const run = async (code: string): Promise<unknown> => {
    const outcome = await call(code);
    if (outcome.kind !== 'result') return outcome;
    const body = outcome.body.toString('utf8');
    return outcome.contentType === 'json' ? JSON.parse(body) : body;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forks-'));
    await chmod(folder, 0o755);
    driver = await createSandboxDriver({
      kind: 'bubblewrap',
      runFolder: join(folder, 'run'),
      clock: systemClock,
      logger: silentLogger,
    });
    runner = await start(hostile);
  });
  afterAll(async () => {
    await driver.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is what the runner reports', () => {
    expect(runner.forks).toBe(true);
  });

  it('begin with the memory as it was loaded', async () => {
    expect(await run('result = loaded["count"]')).toBe(1);
    expect(await run('result = loaded["count"]')).toBe(1);
  });

  it('find /tmp, the home folder and shared memory empty, whatever the one before wrote', async () => {
    const list = 'result = [os.listdir(path) for path in ("/tmp", "/home/algo", "/dev/shm")]';
    const write = 'for path in ("/tmp", "/home/algo", "/dev/shm"): open(path + "/left", "w").write("secret")';
    expect(await run(`${write}\n${list}`)).toEqual([['left'], ['left'], ['left']]);
    expect(await run(list)).toEqual([[], [], []]);
  });

  it('take no more of /tmp than the sandbox may', async () => {
    const fill = `
try:
    open("/tmp/x", "wb").write(bytes(20 * 1024 * 1024))
except OSError as error:
    result = error.strerror`;
    expect(await run(fill)).toBe('No space left on device');
    expect(await run(fill)).toBe('No space left on device');
  });

  it('see the processes of nobody else, and none is left of the one before', async () => {
    const processes = 'result = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())';
    const daemon = `
listener = socket.socket()
listener.bind(("127.0.0.1", 4242))
listener.listen()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
`;
    expect(await run(daemon)).toBeNull();
    expect(await run(processes)).toEqual([1]);
    expect(await run('result = socket.socket().connect_ex(("127.0.0.1", 4242)) != 0')).toBe(true);
  });

  it('reach no process but their own with signals', async () => {
    expect(await run('if os.fork() == 0: time.sleep(60)\nos.kill(-1, 9)\nresult = "alive"')).toBe('alive');
    expect(await run('result = os.getppid()')).toBe(0);
  });

  it('hold no capability, and can neither mount nor make namespaces', async () => {
    expect(
      await run('result = [line.split()[1] for line in open("/proc/self/status") if line[:6] in ("CapEff", "CapPrm")]'),
    ).toEqual(['0000000000000000', '0000000000000000']);
    const tries = `
result = [
    libc.umount2(b"/tmp", 2),
    libc.umount2(b"/proc", 2),
    libc.mount(b"tmpfs", b"/opt", b"tmpfs", 0, None),
    libc.unshare(0x10000000),
    libc.unshare(0x20000),
    os.path.exists("/tmp/algoout"),
]`;
    expect(await run(tries)).toEqual([-1, -1, -1, -1, -1, false]);
  });

  it('hold no descriptor of the prepared process', async () => {
    const targets = `
result = sorted(
    os.readlink("/proc/self/fd/" + fd).partition(":")[0]
    for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd))`;
    expect(await run(targets)).toEqual(['/dev/null', 'pipe', 'pipe', 'socket']);
  });

  it('share no kernel object: neither System V memory nor keys', async () => {
    const attach = 'libc.shmget(4711, 4096, 0o666)';
    const keys = 'libc.syscall(248, b"user", b"millrace", b"secret", 6, -4)';
    const search = 'libc.syscall(250, 10, -4, b"user", b"millrace", 0)';
    await run(`libc.shmget(4711, 4096, 0o1666); ${keys}`);
    expect(await run(`result = [${attach}, ${search}]`)).toEqual([-1, -1]);
  });

  it('print into their own outcome alone, whatever they do to the streams', async () => {
    const first = await call('print("one"); print("bad", file=sys.stderr)');
    expect(first.stdout).toContain('one\n');
    expect(first.stderr).toBe('bad\n');
    await call('os.set_blocking(1, False); os.close(1); os.close(2)');
    const loud = await call('print("x" * 200000)\nif os.fork() == 0:\n    while True: os.write(1, b"late")');
    expect(loud.stdout).toContain('x'.repeat(60_000));
    expect((await call('print("two")')).stdout).toBe('two\n');
  });

  it('cannot answer for the next one', async () => {
    const forged = '{"result": "forged", "metadata": {"content_type": "text"}}\n';
    const send = `
for name in os.listdir("/proc/self/fd"):
    try:
        os.write(int(name), ${JSON.stringify(forged)}.encode() * 3)
    except OSError:
        pass`;
    expect(await call(send)).toMatchObject({ kind: 'result', contentType: 'text', body: Buffer.from('forged') });
    expect(await run('result = "mine"')).toBe('mine');
  });

  it('pass large inputs and results', async () => {
    const outcome = await call(`result = "x" * 5000000\n#${'y'.repeat(3_000_000)}`);
    expect(outcome.kind === 'result' ? outcome.body.length : outcome).toBe(5_000_000);
  });

  it('report exceptions with their trace', async () => {
    expect(await call('raise ValueError("no")')).toMatchObject({
      kind: 'error',
      message: 'no',
      errorType: 'AlgorithmError',
    });
  });

  it('end the sandbox with their own exit code', async () => {
    const own = await start('import os\ndef apply(code):\n    os._exit(code)');
    const outcome = await own.call({ contentType: 'json', body: Buffer.from('7'), timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ kind: 'exited', code: 7 });
    expect(own.alive).toBe(false);
  });

  it.each([
    ['a thread', 'import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()'],
    ['an open socket', 'import socket\nkept = socket.socketpair()'],
    ['a file that is open for writing', 'kept = open("/dev/shm/x", "w")\nimport os\nos.unlink("/dev/shm/x")'],
    ['shared memory', 'import mmap\nkept = mmap.mmap(-1, 4096)'],
    ['a process', 'import subprocess\nkept = subprocess.Popen(["/bin/sleep", "600"])'],
    ['a file in /tmp', 'open("/tmp/cache", "w").close()'],
  ])('are not forked from an algorithm whose loading left %s', async (_, load) => {
    const own = await start(`${load}\ndef apply(input):\n    return input`);
    expect(own.forks).toBe(false);
    const outcome = await own.call({ contentType: 'json', body: Buffer.from('7'), timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ kind: 'result', body: Buffer.from('7') });
    expect(outcome.stderr).toContain('Calls cannot be forked: loading left');
    await own.stop(0);
  });

  it('read files that were opened while loading from where loading stopped', async () => {
    const own = await start('kept = open("src/algo.py")\nkept.readline()\ndef apply(_):\n    return kept.readline()');
    expect(own.forks).toBe(true);
    const read = async (): Promise<RunOutcome> =>
      await own.call({ contentType: 'json', body: Buffer.from('0'), timeoutMs: 20_000 });
    const first = await read();
    expect(first).toMatchObject({ kind: 'result', contentType: 'text' });
    expect(await read()).toMatchObject({ kind: 'result', body: first.kind === 'result' ? first.body : null });
    await own.stop(0);
  });

  it('are not forked where a sandbox may not make namespaces', async () => {
    const own = await start(hostile, false);
    const forbidden = (await own.call({
      contentType: 'text',
      body: Buffer.from('result = libc.unshare(0x10000000)'),
      timeoutMs: 20_000,
    })) as RunOutcome & { readonly body?: Buffer };
    // Some machines cannot forbid it; then there is no harm in forking.
    expect(own.forks ? '-1' : forbidden.body?.toString()).toBe('-1');
    await own.stop(0);
  });
});
