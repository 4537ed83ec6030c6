import { existsSync, globSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSandboxDriver } from '../../src/sandboxes/create.ts';
import { adoptRunner, type Runner, startAdoptable } from '../../src/sandboxes/runner.ts';
import type { Mount, Sandbox, SandboxDriver, SandboxLimits } from '../../src/sandboxes/sandbox.ts';

const runtimeFolder = fileURLToPath(new URL('../../runtime', import.meta.url));
const mebibyte = 1024 * 1024;
const small: SandboxLimits = {
  memoryBytes: 128 * mebibyte,
  cpus: 1,
  processes: 32,
  diskBytes: 32 * mebibyte,
  fileBytes: 32 * mebibyte,
  gpus: 0,
};
const large: SandboxLimits = { ...small, memoryBytes: 512 * mebibyte, cpus: 2, processes: 64 };

const commands = {
  python: ['/usr/bin/python3', '/opt/millrace/runners/python/runner.py', 'adopt'],
  javascript: ['/opt/node', '/opt/millrace/runners/javascript/runner.mjs', 'adopt'],
} as const;

describe.each(['bubblewrap', 'docker'] as const)(
  'a sandbox of the driver %s that is adopted after its start',
  (kind) => {
    let folder: string;
    let driver: SandboxDriver;
    let count = 0;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sandboxes-'));
      await chmod(folder, 0o755);
      const runFolder = join(folder, 'run');
      driver = await createSandboxDriver({ kind, runFolder, clock: systemClock, logger: silentLogger });
    });
    afterAll(async () => {
      await driver.close();
      expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
      await rm(folder, { recursive: true, force: true });
    });

    const layer = async (files: Readonly<Record<string, string>>): Promise<string> => {
      count += 1;
      const root = join(folder, 'layers', `${count}`);
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(root, name)), { recursive: true });
        await writeFile(join(root, name), content);
      }
      return root;
    };
    const prewarm = async (language: keyof typeof commands, network: 'none' | 'outside' = 'none'): Promise<Sandbox> => {
      count += 1;
      return await startAdoptable({
        driver,
        loadTimeoutMs: 20_000,
        clock: systemClock,
        spec: {
          id: `ahead-${count}`,
          command: commands[language],
          environment: { PATH: '/usr/bin:/bin', PYTHONPATH: '/opt/dependencies', PYTHONDONTWRITEBYTECODE: '1' },
          workingFolder: '/opt/algorithm',
          mounts: [
            { source: runtimeFolder, target: '/opt/millrace', writable: false },
            { source: process.execPath, target: '/opt/node', writable: false },
          ],
          limits: small,
          network,
          resultChannel: true,
          endpoint: null,
          adoptable: ['/opt/algorithm', '/opt/dependencies'],
        },
      });
    };
    const adopt = async (sandbox: Sandbox, mounts: readonly Mount[], limits = large): Promise<Runner> =>
      await adoptRunner({
        sandbox,
        mounts,
        limits,
        algorithmFolder: '/opt/algorithm',
        loadTimeoutMs: 20_000,
        clock: systemClock,
        logger: silentLogger,
      });
    const answer = async (runner: Runner, input: unknown): Promise<unknown> => {
      const outcome = await runner.call({
        contentType: 'json',
        body: Buffer.from(JSON.stringify(input)),
        timeoutMs: 20_000,
      });
      return outcome.kind === 'result' ? JSON.parse(outcome.body.toString('utf8')) : outcome;
    };
    /** What is mounted for sandboxes, in whatever namespace, as each is seen there. */
    const mountsForSandboxes = (): readonly string[] => {
      const places = globSync('/proc/[0-9]*/mounts').flatMap((file) => {
        try {
          return readFileSync(file, 'utf8').split('\n');
        } catch {
          return [];
        }
      });
      return [...new Set(places.filter((line) => line.includes(`${folder}/run/adopted/shared/`)))];
    };
    const at = (source: string, target: string): Mount => ({ source, target, writable: false });

    it('runs a Python algorithm with its dependencies', async () => {
      if (!driver.adopts) return;
      const sandbox = await prewarm('python');
      const source = 'import os, sys, helper\ndef apply(input): return [helper.word, os.getcwd(), sys.argv[1:], input]';
      const app = await layer({ 'src/__init__.py': '', 'src/a.py': source, 'algorithmia.conf': '{"algoname":"a"}' });
      const dependencies = await layer({ 'helper.py': 'word = "helped"' });
      const runner = await adopt(sandbox, [at(app, '/opt/algorithm'), at(dependencies, '/opt/dependencies')]);
      expect(await answer(runner, 1)).toEqual(['helped', '/opt/algorithm', [], 1]);
      await runner.stop(1000);
    });

    it('runs a JavaScript algorithm whose dependencies are mounted inside it', async () => {
      if (!driver.adopts) return;
      const sandbox = await prewarm('javascript');
      const source = 'const h = require("helper"); exports.apply = (input) => [h.word, process.cwd(), input];';
      const app = await layer({ 'src/a.js': source, 'algorithmia.conf': '{"algoname":"a"}' });
      const dependencies = await layer({ 'helper/index.js': 'exports.word = "helped";' });
      const mounts = [at(app, '/opt/algorithm'), at(dependencies, '/opt/algorithm/node_modules')];
      const runner = await adopt(sandbox, mounts);
      expect(await answer(runner, 1)).toEqual(['helped', '/opt/algorithm', 1]);
      await runner.stop(1000);
    });

    it('may have the network outside', async () => {
      const network = driver.enforcement.find(({ what }) => what === 'network')?.how ?? '';
      if (!driver.adopts || !network.includes('outside access through')) return;
      const source = 'def apply(input): return open("/proc/net/route").read()';
      const app = await layer({ 'src/a.py': source });
      const runner = await adopt(await prewarm('python', 'outside'), [at(app, '/opt/algorithm')]);
      const outcome = await runner.call({ contentType: 'json', body: Buffer.from('1'), timeoutMs: 20_000 });
      expect(outcome.kind === 'result' ? outcome.body.toString('utf8') : outcome).toContain('tap0');
      await runner.stop(0);
    });

    it('cannot write what was mounted, nor see what was mounted for others', async () => {
      if (!driver.adopts) return;
      const source = `
import os
def apply(input):
    found = []
    for path in ("/opt/algorithm/x", "/opt/algorithm/src/x", "/opt/dependencies/x"):
        try:
            open(path, "w")
            found.append(path)
        except OSError as error:
            pass
    return [found, sorted(os.listdir("/opt/algorithm")), os.listdir("/opt/dependencies")]
`;
      const one = await prewarm('python');
      const other = await prewarm('python');
      const app = await layer({ 'src/a.py': source });
      await chmod(join(app, 'src'), 0o777);
      await chmod(app, 0o777);
      const loud = await layer({ 'src/a.py': source, secret: '' });
      const [runner, neighbour] = await Promise.all([
        adopt(one, [at(app, '/opt/algorithm')]),
        adopt(other, [at(loud, '/opt/algorithm')]),
      ]);
      expect(await answer(runner, null)).toEqual([[], ['src'], []]);
      expect(await answer(neighbour, null)).toEqual([[], ['secret', 'src'], []]);
      await Promise.all([runner.stop(0), neighbour.stop(0)]);
    });

    it('has the limits of its adoption', async () => {
      if (!driver.adopts) return;
      const source = 'def apply(mebibytes):\n    x = bytearray(mebibytes << 20)\n    return len(x) >> 20';
      const app = await layer({ 'src/a.py': source });
      const grown = await adopt(await prewarm('python'), [at(app, '/opt/algorithm')]);
      expect(await answer(grown, 300)).toBe(300);
      const shrunk = await adopt(await prewarm('python'), [at(app, '/opt/algorithm')], {
        ...small,
        memoryBytes: 64 * mebibyte,
      });
      expect(await answer(shrunk, 100)).toMatchObject({ kind: 'exited', outOfMemory: true });
      await grown.stop(0);
      await shrunk.exited;
    });

    it.each(['python', 'javascript'] as const)(
      'has the space and the file size of its adoption with %s',
      async (language) => {
        if (!driver.adopts) return;
        const python = `
import os, subprocess
def apply(_):
    sizes = [os.statvfs(path).f_blocks * os.statvfs(path).f_frsize for path in ("/tmp", "/home/algo")]
    return sizes + [subprocess.check_output(["/bin/sh", "-c", "ulimit -f"], text=True).strip()]`;
        const javascript = `
const { execFileSync } = require('node:child_process');
const { statfsSync } = require('node:fs');
exports.apply = () => [
  ...['/tmp', '/home/algo'].map((path) => statfsSync(path).blocks * statfsSync(path).bsize),
  execFileSync('/bin/sh', ['-c', 'ulimit -f'], { encoding: 'utf8' }).trim(),
];`;
        const files = language === 'python' ? { 'src/a.py': python } : { 'src/a.js': javascript };
        const algorithm = await layer({ ...files, 'algorithmia.conf': '{"algoname":"a"}' });
        const mounts = [at(algorithm, '/opt/algorithm')];
        const own = { ...large, diskBytes: 8 * mebibyte, fileBytes: 4 * mebibyte };
        const runner = await adopt(await prewarm(language), mounts, own);
        expect(await answer(runner, 0)).toEqual([4 * mebibyte, 4 * mebibyte, '8192']);
        await runner.stop(0);
      },
    );

    it('leaves no mount behind, adopted or not, and no layer loses a file', async () => {
      if (!driver.adopts) return;
      const app = await layer({ 'src/a.py': 'def apply(input): return input' });
      const unused = await prewarm('python');
      const runner = await adopt(await prewarm('python'), [at(app, '/opt/algorithm')]);
      expect(mountsForSandboxes()).toHaveLength(1);
      // An engine has to see the mounts; otherwise they are nobody's but the sandboxes'.
      if (kind === 'bubblewrap') expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
      await Promise.all([runner.stop(0), unused.stop(0)]);
      expect(mountsForSandboxes()).toEqual([]);
      expect(await readdir(join(folder, 'run/adopted/shared'))).toEqual([]);
      expect(existsSync(join(app, 'src/a.py'))).toBe(true);
    });

    it('of twenty that are stopped at once nothing is left, neither a mount nor a group nor a folder', async () => {
      if (!driver.adopts) return;
      const app = await layer({ 'src/a.py': 'def apply(input): return input' });
      const waiting = await Promise.all(Array.from({ length: 20 }, async () => await prewarm('python')));
      const runners = await Promise.all(
        waiting.slice(0, 10).map(async (each) => await adopt(each, [at(app, '/opt/algorithm')])),
      );
      await Promise.all([...runners, ...waiting.slice(10)].map(async (each) => await each.stop(0)));
      expect(mountsForSandboxes()).toEqual([]);
      expect(await readdir(join(folder, 'run/adopted/shared'))).toEqual([]);
      expect(await readdir(join(folder, 'run/sandboxes'))).toEqual([]);
      expect(waiting.flatMap(({ id }) => globSync(`/sys/fs/cgroup/**/millrace-*/${id}`))).toEqual([]);
    });

    it('is ended when what it should see cannot be mounted', async () => {
      if (!driver.adopts) return;
      const sandbox = await prewarm('python');
      const app = await layer({ 'src/a.py': '' });
      await expect(adopt(sandbox, [at(app, '/opt/elsewhere')])).rejects.toMatchObject({ code: 'SANDBOX_START_FAILED' });
      await sandbox.exited;
    });

    it('fails to load as one that was started with its algorithm', async () => {
      if (!driver.adopts) return;
      const app = await layer({ 'src/a.py': 'raise ValueError("not today")' });
      const adopted = adopt(await prewarm('python'), [at(app, '/opt/algorithm')]);
      await expect(adopted).rejects.toMatchObject({ code: 'SANDBOX_LOAD_FAILED' });
      await expect(adopted).rejects.toThrow('ValueError: not today');
    });
  },
);
