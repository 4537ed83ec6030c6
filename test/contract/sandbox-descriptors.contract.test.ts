import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandboxes-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Prints what the open descriptors inside a sandbox lead to. */
const program = (runFolder: string): string => `
import { createSandboxDriver } from '${new URL('../../src/sandboxes/create.ts', import.meta.url).href}';
import { systemClock } from '${new URL('../../src/platform/clock.ts', import.meta.url).href}';
const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const driver = await createSandboxDriver({ kind: 'bubblewrap', runFolder: '${runFolder}', clock: systemClock, logger });
const sandbox = await driver.start({
  id: 'descriptors', command: ['/bin/sh', '-c', 'for fd in /proc/self/fd/*; do echo "$(basename $fd) $(readlink $fd)"; done'],
  environment: { PATH: '/usr/bin:/bin' }, workingFolder: '/tmp', mounts: [],
  limits: { memoryBytes: 134217728, cpus: 1, processes: 16, diskBytes: 1048576, fileBytes: 1048576, gpus: 0 },
  network: 'none', resultChannel: true, endpoint: null,
});
sandbox.stdout.pipe(process.stdout);
sandbox.stderr.pipe(process.stderr);
await sandbox.exited;
await driver.close();
`;

it.each(['', '5</etc/passwd', '7</etc/passwd 9</etc/passwd', '12</etc/passwd 251</etc/passwd 4000</etc/passwd'])(
  'what the platform inherited as %j from the shell that started it is not open in its sandboxes',
  async (redirections) => {
    const inherit = `ulimit -n 8192; exec ${redirections}; exec "$0" --input-type=module -e "$1"`;
    const { stdout, stderr } = await run('/bin/bash', [
      '--norc',
      '-c',
      inherit,
      process.execPath,
      program(join(folder, 'run')),
    ]);
    expect(stderr).toBe('');
    // The fourth is the one with which the shell inside lists them.
    expect(stdout).toMatch(/^0 socket:.*\n1 (socket|pipe):.*\n2 (socket|pipe):.*\n3 \n$/);
  },
);
