import { existsSync, globSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSandboxDriver } from '../../src/sandboxes/create.ts';
import { describeSandboxes, type SandboxesUnderTest } from '../conformance/sandboxes.ts';

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4')
    .map((address) => address.address);

/** Listens on every address, as a broker that is bound carelessly would. */
const listenEverywhere = async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
};

/** Processes whose command line holds the id as an argument. */
const processesNaming = (id: string): readonly string[] =>
  globSync('/proc/[0-9]*/cmdline').filter((file) => {
    try {
      return readFileSync(file, 'utf8').split('\0').includes(id);
    } catch {
      return false;
    }
  });

const containersNaming = async (id: string): Promise<readonly string[]> => {
  const listed = await new Docker().listContainers({ all: true });
  return listed.flatMap(({ Names }) => Names).filter((name) => name.endsWith(`-${id}`));
};

const open = (kind: 'bubblewrap' | 'docker' | 'plain', mode: number) => async (): Promise<SandboxesUnderTest> => {
  const folder = await mkdtemp(join(tmpdir(), 'sandboxes-'));
  await chmod(folder, mode);
  const hostFile = join(folder, 'of-the-host');
  await writeFile(hostFile, 'not for sandboxes');
  const { server, port } = await listenEverywhere();
  const runFolder = join(folder, 'run');
  const driver = await createSandboxDriver({ kind, runFolder, clock: systemClock, logger: silentLogger });
  return {
    driver,
    hostFile,
    hostListeners: [...ownAddresses(), '10.0.2.2'].map((address) => `${address}:${port}`),
    tracesOf: async (id) => {
      const run = join(runFolder, 'sandboxes', id);
      return [
        ...processesNaming(id),
        ...(existsSync(run) ? [run] : []),
        ...globSync(`/sys/fs/cgroup/**/millrace-*/${id}`),
        ...(kind === 'docker' ? await containersNaming(id) : []),
      ];
    },
    close: async () => {
      await driver.close();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

it('the driver that is chosen where both work is bubblewrap', async () => {
  const runFolder = await mkdtemp(join(tmpdir(), 'sandboxes-'));
  const driver = await createSandboxDriver({ kind: 'auto', runFolder, clock: systemClock, logger: silentLogger });
  expect(driver.name).toBe('bubblewrap');
  await driver.close();
});

describeSandboxes('bubblewrap', open('bubblewrap', 0o755));
describeSandboxes('bubblewrap, in a folder of its user alone', open('bubblewrap', 0o700));
describeSandboxes('docker', open('docker', 0o755));
describeSandboxes('plain', open('plain', 0o755));
