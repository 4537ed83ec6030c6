import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox, SandboxDriver, SandboxExit, SandboxSpec } from '../../src/sandboxes/sandbox.ts';

/** A driver under test and what the suite needs beside the port. */
export interface SandboxesUnderTest {
  readonly driver: SandboxDriver;
  /** A file on the host, readable by the test's own user alone or by all, that no sandbox may see. */
  readonly hostFile: string;
  /** Addresses, `host:port`, on which something of this host listens. */
  readonly hostListeners: readonly string[];
  /** What still exists of a sandbox on the host: folders, groups, processes that name its id; empty when all is gone. */
  tracesOf(id: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;
const python = '/usr/bin/python3';

const specOf = (id: string, command: readonly string[], changes: Partial<SandboxSpec> = {}): SandboxSpec => ({
  id,
  command,
  environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', GREETING: 'hello' },
  workingFolder: '/tmp',
  mounts: [],
  limits: {
    memoryBytes: 128 * mebibyte,
    cpus: 1,
    processes: 32,
    diskBytes: 16 * mebibyte,
    fileBytes: 16 * mebibyte,
    gpus: 0,
  },
  network: 'none',
  resultChannel: true,
  endpoint: null,
  ...changes,
});

const textOf = async (stream: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

interface Finished extends SandboxExit {
  readonly stdout: string;
  readonly stderr: string;
}

const finished = async (sandbox: Sandbox): Promise<Finished> => {
  const [stdout, stderr, exit] = await Promise.all([textOf(sandbox.stdout), textOf(sandbox.stderr), sandbox.exited]);
  return { ...exit, stdout, stderr };
};

/** The first output, so that the test knows that the program runs. */
const firstLine = async (sandbox: Sandbox): Promise<string> =>
  await new Promise((resolve) => {
    sandbox.stdout.once('data', (chunk: Buffer) => {
      resolve(chunk.toString('utf8').trim());
    });
  });

/** Tries each address for two seconds and prints `address outcome`. */
const knock = `
import socket, sys
for address in sys.argv[1:]:
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
        print(address, "open")
    except OSError as error:
        print(address, "closed")
`;

/** Prints the descriptors that are open; the one with which they are listed is closed by then. */
const openDescriptors = `
import os
listed = os.listdir("/proc/self/fd")
print(*sorted(int(fd) for fd in listed if os.path.exists("/proc/self/fd/" + fd)))
`;

const forkBomb = `
import os, time
made = 0
try:
    while made < 500:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError as error:
    print("refused after", made, flush=True)
`;

const manyFiles = `
try:
    for name in range(2_000_000):
        open("/tmp/%d" % name, "w").close()
    print("all made", flush=True)
except OSError as error:
    print("refused", error, flush=True)
`;

/** Python ignores the signal that comes with the limit; raising the limit again must fail. */
const largeFile = `
import os, resource, sys
made = os.open("/tmp/x", os.O_CREAT | os.O_WRONLY)
try:
    while True:
        os.write(made, bytes(65536))
except OSError as error:
    print(os.fstat(made).st_size, error.strerror, flush=True)
if os.fork() == 0:
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 ** 30, 2 ** 30))
        print("raised", flush=True)
    except (ValueError, OSError):
        print("no more: True", flush=True)
    os._exit(0)
os.wait()
`;

/** Ignores SIGTERM and the end of stdin; so does its child in a session of its own. */
const stubborn = `
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
print("up", flush=True)
time.sleep(600)
`;

/** Runs the suite against what `open` gives; every driver passes it, as far as it says that it enforces. */
export const describeSandboxes = (name: string, open: () => Promise<SandboxesUnderTest>): void => {
  describe(`sandboxes of the driver ${name}`, () => {
    let under: SandboxesUnderTest;
    let count = 0;

    beforeAll(async () => {
      under = await open();
    });
    afterAll(async () => {
      await under.close();
    });

    const start = async (command: readonly string[], changes: Partial<SandboxSpec> = {}): Promise<Sandbox> => {
      count += 1;
      return await under.driver.start(specOf(`case-${count}`, command, changes));
    };
    const run = async (command: readonly string[], changes: Partial<SandboxSpec> = {}): Promise<Finished> =>
      await finished(await start(command, changes));
    const shell = async (script: string, changes: Partial<SandboxSpec> = {}): Promise<Finished> =>
      await run(['/bin/sh', '-c', script], changes);
    const enforces = (what: string): boolean =>
      under.driver.enforcement.some((each) => each.what === what && each.enforced);

    describe('a program', () => {
      it('reads stdin, writes stdout and stderr, and its exit code is reported', async () => {
        const sandbox = await start(['/bin/sh', '-c', 'read line; echo "got $line"; echo bad >&2; exit 3']);
        sandbox.stdin.write('one\n');
        expect(await finished(sandbox)).toEqual({
          stdout: 'got one\n',
          stderr: 'bad\n',
          code: 3,
          signal: null,
          outOfMemory: false,
        });
      });

      it('has the environment of its spec and nothing of the host', async () => {
        const { stdout } = await run([python, '-c', 'import os; print("\\n".join(sorted(os.environ)))']);
        const names = stdout.trim().split('\n');
        const allowed = [
          'GREETING',
          'HOME',
          'LANG',
          'LC_CTYPE',
          'MILLRACE_RESULT_PIPE',
          'MILLRACE_SANDBOX_FOLDER',
          'PATH',
          'PWD',
          'TMPDIR',
        ];
        expect(names).toContain('GREETING');
        expect(names.filter((each) => !allowed.includes(each))).toEqual([]);
      });

      it('answers through the result channel with more than a pipe holds', async () => {
        const script =
          'import os; open(os.environ.get("MILLRACE_RESULT_PIPE", "/tmp/algoout"), "w").write("x" * 3000000 + "\\n")';
        const sandbox = await start([python, '-c', script]);
        let sizeBytes = 0;
        sandbox.results?.on('data', (chunk: Buffer) => {
          sizeBytes += chunk.length;
        });
        expect((await finished(sandbox)).code).toBe(0);
        expect(sizeBytes).toBe(3_000_001);
      });

      it('has no result channel when its spec asks for none', async () => {
        const sandbox = await start(
          ['/bin/sh', '-c', 'ls /tmp/algoout 2>/dev/null; echo "${MILLRACE_RESULT_PIPE:-none}"'],
          {
            resultChannel: false,
          },
        );
        expect(sandbox.results).toBeNull();
        expect((await finished(sandbox)).stdout).toBe('none\n');
      });

      it('finds its mounts at their places', async () => {
        const { stdout } = await run([python, '-c', 'import os; print(sorted(os.listdir(".")))'], {
          mounts: [{ source: '/usr/share/doc/bubblewrap', target: '/opt/algorithm', writable: false }],
          workingFolder: '/opt/algorithm',
        });
        expect(stdout).toContain('copyright');
      });
    });

    describe('its end', () => {
      it('comes with stop, although the program and its grandchildren ignore every polite request', async () => {
        const sandbox = await start([python, '-c', stubborn, `case-${count + 1}`]);
        await firstLine(sandbox);
        expect(await under.tracesOf(sandbox.id)).not.toEqual([]);
        await sandbox.stop(20);
        expect(await under.tracesOf(sandbox.id)).toEqual([]);
      });

      it('comes by itself within the grace time when the program ends with its stdin', async () => {
        const sandbox = await start(['/bin/cat']);
        expect(await sandbox.stop(10_000)).toEqual({ code: 0, signal: null, outOfMemory: false });
        expect(await sandbox.stop(0)).toEqual({ code: 0, signal: null, outOfMemory: false });
      });

      it('leaves nothing behind', async () => {
        const sandbox = await start(['/bin/true']);
        await sandbox.exited;
        expect(await under.tracesOf(sandbox.id)).toEqual([]);
      });

      it('of twenty that start together is twenty ends', async () => {
        const all = await Promise.all(
          Array.from({ length: 20 }, async (_, n) => await start(['/bin/sh', '-c', `exit ${n}`])),
        );
        const ends = await Promise.all(all.map(finished));
        expect(ends.map((end) => end.code)).toEqual(Array.from({ length: 20 }, (_, n) => n));
      });

      it('is what a sandbox without its mounts has at once, with the missing one named', async () => {
        const mounts = [{ source: '/nowhere/at/all', target: '/opt/x', writable: false }];
        const started = start(['/bin/true'], { mounts });
        if (enforces('filesystem')) await expect(started).rejects.toMatchObject({ code: 'SANDBOX_START_FAILED' });
        else await (await started).exited;
      });
    });

    describe('the driver', () => {
      it('mounts in a running sandbox that was started for it, or refuses to start one', async () => {
        const started = start(['/bin/sh', '-c', 'echo up; read line; ls /opt/later'], { adoptable: ['/opt/later'] });
        if (!under.driver.adopts) {
          await expect(started).rejects.toMatchObject({ code: 'SANDBOX_START_FAILED' });
          return;
        }
        const sandbox = await started;
        expect(await firstLine(sandbox)).toBe('up');
        const mounts = [{ source: '/usr/share/doc/bubblewrap', target: '/opt/later', writable: false }];
        await sandbox.adopt(mounts, specOf('limits', []).limits);
        const end = finished(sandbox);
        sandbox.stdin.write('go on\n');
        expect((await end).stdout).toContain('copyright');
      });

      it('reads the usage of a sandbox as far as it measures', async () => {
        const sandbox = await start([python, '-c', 'sum(range(3000000)); print("done", flush=True); input()']);
        await firstLine(sandbox);
        const usage = await sandbox.usage();
        await sandbox.stop(0);
        if (enforces('memory')) {
          expect(usage.memoryBytes).toBeGreaterThan(mebibyte);
          expect(usage.memoryPeakBytes).toBeGreaterThanOrEqual(usage.memoryBytes ?? 0);
        }
        if (enforces('cpu')) expect(usage.cpuS).toBeGreaterThan(0.01);
      });

      it('sees packages of its own over the system folders, which no other does, or is refused', async () => {
        const scratch = await mkdtemp(join(tmpdir(), 'system-layer-'));
        // Layers are known by their names: drivers may keep what they make of one.
        const layer = join(scratch, 'conformance-layer-1');
        try {
          await mkdir(join(layer, 'usr/bin'), { recursive: true });
          await mkdir(join(layer, 'etc/greeting'), { recursive: true });
          await writeFile(join(layer, 'usr/bin/greet-with'), '#!/bin/sh\ncat /etc/greeting/text; id -u\n', {
            mode: 0o755,
          });
          await writeFile(join(layer, 'etc/greeting/text'), 'hello from a package\n');
          for (const each of [scratch, layer, join(layer, 'usr'), join(layer, 'etc')]) await chmod(each, 0o755);
          const ended = run(['/bin/sh', '-c', 'greet-with; touch /usr/bin/x 2>&1 || ls /usr/bin/env'], {
            systemLayer: layer,
          });
          const { stdout, refusal } = await ended.then(
            (end) => ({ ...end, refusal: null }),
            (error: unknown) => ({ stdout: '', refusal: String(error) }),
          );
          if (refusal !== null) {
            expect(refusal).toContain('packages');
            return;
          }
          expect(stdout).toContain('hello from a package\n2222\n');
          expect(stdout).toContain('/usr/bin/env\n');
          expect((await shell('ls /usr/bin/greet-with /etc/greeting 2>&1 || true')).stdout).toContain('cannot access');
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      });

      it('says of everything whether and how it is enforced', () => {
        const named = under.driver.enforcement.map(({ what }) => what).sort();
        expect(named).toEqual([
          'cpu',
          'disk',
          'file-size',
          'filesystem',
          'gpu',
          'memory',
          'network',
          'processes',
          'user',
        ]);
        expect(under.driver.enforcement.every(({ how }) => how.length > 0)).toBe(true);
      });
    });

    describe('what is said to be enforced', () => {
      it('hides files of the host', async () => {
        if (!enforces('filesystem')) return;
        const { stdout } = await shell(
          `cat ${under.hostFile} 2>&1 || true; ls /root /work /home 2>&1 || true; ls /etc`,
        );
        expect(stdout).toContain('No such file');
        expect(stdout).not.toContain('shadow');
      });

      it('lets nothing be written outside /tmp and the home folder', async () => {
        if (!enforces('filesystem')) return;
        const script =
          'for f in / /usr /etc /dev /opt /run /proc/sys/kernel /sys; do touch $f/x 2>/dev/null && echo "$f is writable"; done; touch /tmp/x /home/algo/x && echo ok';
        expect((await shell(script)).stdout).toBe('ok\n');
      });

      it('inherits no descriptor beside its standard streams', async () => {
        if (!enforces('filesystem')) return;
        const { stdout } = await run([python, '-c', openDescriptors]);
        expect(stdout).toBe('0 1 2\n');
      });

      it('shows only its own processes', async () => {
        if (!enforces('filesystem')) return;
        const { stdout } = await shell('ls /proc | grep -c "^[0-9]"');
        expect(Number(stdout)).toBeLessThan(6);
      });

      it('gives no capabilities and no root', async () => {
        if (!enforces('user')) return;
        const { stdout } = await shell('id -u; grep -E "^Cap(Eff|Prm|Bnd)" /proc/self/status');
        expect(stdout).toContain('2222\n');
        expect(stdout.match(/0000000000000000/g)).toHaveLength(3);
      });

      it('closes every network', async () => {
        if (!enforces('network')) return;
        const { stdout } = await run([python, '-c', knock, ...under.hostListeners, '169.254.169.254:80']);
        expect(stdout.match(/closed/g)).toHaveLength(under.hostListeners.length + 1);
      });

      it('reaches out with the network outside, but neither this host nor metadata addresses', async () => {
        const outside = under.driver.enforcement.find(({ what }) => what === 'network')?.how ?? '';
        if (!outside.includes('outside access through')) return;
        const sandbox = await start(
          [
            python,
            '-c',
            `${knock}\nprint(open("/proc/net/route").read())`,
            ...under.hostListeners,
            '169.254.169.254:80',
            '10.0.2.2:22',
          ],
          { network: 'outside' },
        );
        const { stdout } = await finished(sandbox);
        expect(stdout.match(/ closed/g)).toHaveLength(under.hostListeners.length + 2);
        expect(stdout).toContain('tap0\t00000000');
      });

      it('ends a program that needs too much memory and says so', async () => {
        if (!enforces('memory')) return;
        const end = await run([python, '-c', 'x = bytearray(400 * 1024 * 1024); print(len(x))']);
        expect(end).toMatchObject({ stdout: '', outOfMemory: true });
      });

      it('contains a fork bomb', async () => {
        if (!enforces('processes')) return;
        const { stdout } = await run([python, '-c', forkBomb]);
        const made = Number(/refused after (\d+)/.exec(stdout)?.[1]);
        expect(made).toBeGreaterThan(10);
        expect(made).toBeLessThanOrEqual(32);
      });

      it('slows a program down to its share of the processors', async () => {
        if (!enforces('cpu')) return;
        const script =
          'import time; begun = time.time(); [None for _ in iter(lambda: time.process_time() < 0.3, False)]; print(time.time() - begun)';
        const limits = { ...specOf('limits', []).limits, cpus: 0.25 };
        expect(Number((await run([python, '-c', script], { limits })).stdout)).toBeGreaterThan(0.8);
      });

      it('bounds what can be written', async () => {
        if (!enforces('disk')) return;
        const { stdout } = await shell(
          'for f in /tmp/x /home/algo/x /dev/shm/x; do head -c 20000000 /dev/zero >$f 2>/dev/null && echo "$f took it"; done; echo end',
        );
        expect(stdout).toBe('end\n');
      });

      it('bounds how many files can be made', async () => {
        if (!enforces('disk') || !enforces('memory')) return;
        const { stdout, outOfMemory } = await run([python, '-c', manyFiles]);
        expect(outOfMemory || stdout.includes('refused')).toBe(true);
      });

      it('bounds the size of each file, for child processes as well', async () => {
        if (!enforces('file-size')) return;
        const limits = { ...specOf('limits', []).limits, fileBytes: mebibyte };
        const { stdout } = await run([python, '-c', largeFile], { limits });
        expect(stdout).toBe(`${mebibyte} File too large\nno more: True\n`);
      });

      it('gives no graphics processor that the machine does not have', async () => {
        const limits = { ...specOf('limits', []).limits, gpus: 65 };
        if (!under.driver.enforcement.some(({ what }) => what === 'gpu')) return;
        const started = start(['/bin/true'], { limits });
        if (under.driver.name === 'plain') await (await started).exited;
        else await expect(started).rejects.toMatchObject({ code: 'SANDBOX_START_FAILED' });
      });
    });
  });
};
