import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSandboxDriver } from '../../src/sandboxes/create.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandboxes-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Starts a sandbox in a process of its own and tells the marked program's id when it runs. */
const owner = (kind: string, runFolder: string, mark: string, layer: string): string => `
import { createSandboxDriver } from '${new URL('../../src/sandboxes/create.ts', import.meta.url).href}';
import { systemClock } from '${new URL('../../src/platform/clock.ts', import.meta.url).href}';
const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const driver = await createSandboxDriver({ kind: '${kind}', runFolder: '${runFolder}', clock: systemClock, logger });
const limits = { memoryBytes: 134217728, cpus: 1, processes: 16, diskBytes: 1048576, fileBytes: 1048576, gpus: 0 };
const sandbox = await driver.start({
  id: 'left-over', command: ['/usr/bin/python3', '-c', 'import time; print("up", flush=True); time.sleep(600)', '${mark}'],
  environment: {}, workingFolder: '/tmp', mounts: [], limits,
  network: 'none', resultChannel: true, endpoint: null,
  ...(driver.adopts ? { adoptable: ['/opt/layer'] } : {}),
});
sandbox.stdout.once('data', async (chunk) => {
  if (driver.adopts) await sandbox.adopt([{ source: '${layer}', target: '/opt/layer', writable: false }], limits);
  process.stdout.write(chunk);
});
`;

const processesMarked = (mark: string): readonly string[] =>
  globSync('/proc/[0-9]*/cmdline').filter((file) => {
    try {
      return readFileSync(file, 'utf8').split('\0').includes(mark);
    } catch {
      return false;
    }
  });

it.each(['bubblewrap', 'docker'] as const)(
  'what a killed predecessor of the driver %s left behind is gone when the next is made',
  async (kind) => {
    const runFolder = join(folder, 'run');
    const mark = `mark-${process.pid}`;
    const layer = join(folder, 'layers/some');
    await mkdir(layer, { recursive: true });
    await writeFile(join(layer, 'file'), 'of a layer');
    const killed = spawn(process.execPath, ['--input-type=module', '-e', owner(kind, runFolder, mark, layer)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(killed.stdout, 'data');
    expect(processesMarked(mark)).not.toEqual([]);
    expect(existsSync(join(runFolder, 'sandboxes/left-over'))).toBe(true);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    // The engine has to see them; in the namespace of nobody but us they end with us.
    if (kind === 'bubblewrap') expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);

    const driver = await createSandboxDriver({ kind, runFolder, clock: systemClock, logger: silentLogger });
    expect(existsSync(join(runFolder, 'sandboxes/left-over'))).toBe(false);
    expect(globSync('/sys/fs/cgroup/**/left-over')).toEqual([]);
    await expect.poll(() => processesMarked(mark)).toEqual([]);
    expect(existsSync(join(runFolder, 'adopted/shared/left-over'))).toBe(false);
    await driver.close();
    expect(existsSync(runFolder)).toBe(false);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
    expect(readFileSync(join(layer, 'file'), 'utf8')).toBe('of a layer');
  },
);
