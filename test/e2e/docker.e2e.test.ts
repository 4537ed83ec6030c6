import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createE2eClient } from '../helpers/e2e-client.ts';
import { type E2eProcess, type E2eVariables, failingStart, startE2eProcess } from '../helpers/e2e-process.ts';
import { probe, sources } from '../helpers/e2e-sources.ts';
import { freePortPair } from '../helpers/free-ports.ts';

let dataFolder = '';
let variables: E2eVariables = {};

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'millrace-e2e-docker-'));
  variables = {
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_KAFKA_PORT: String(await freePortPair()),
    MILLRACE_ADMIN_KEY: 'simDocker',
    MILLRACE_SANDBOX: 'docker',
  };
});
afterAll(async () => {
  await rm(dataFolder, { recursive: true, force: true });
});

/** Images of the containers that run for platforms now. */
const imagesInUse = async (): Promise<readonly string[]> => {
  const running = await new Docker().listContainers({ filters: { label: ['millrace.driver'] } });
  return running.map(({ Image }) => Image);
};

describe('a platform that runs its sandboxes as containers', () => {
  let platform: E2eProcess;

  beforeAll(async () => {
    platform = await startE2eProcess(variables);
  });
  afterAll(async () => {
    await platform.end('SIGTERM');
  });

  it('says at its start what is enforced', () => {
    expect(platform.printed()).toContain(
      'docker: filesystem, network, user, memory, cpu, processes, disk, file-size enforced',
    );
  });

  it('builds Python with dependencies from outside and answers calls, with containers that wait for the next', async () => {
    const client = createE2eClient(platform);
    await client.deploy({ ...probe('Echo'), 'requirements.txt': 'six==1.16.0\n' });
    expect((await client.call('admin/Echo', { body: { a: 1 } })).json()).toMatchObject({ result: { a: 1 } });
    expect((await client.call('admin/Echo', { body: { do: 'raise', type: 'InputError' } })).text).toContain(
      'InputError',
    );
    expect(await imagesInUse()).toContainEqual(expect.stringContaining('millrace-sandbox:'));
  });

  it('builds and runs JavaScript', async () => {
    const client = createE2eClient(platform);
    await client.deploy(sources.javascript('Twice', 'exports.apply = async (input) => input * 2;\n'));
    expect((await client.call('admin/Twice', { body: 21 })).json()).toMatchObject({ result: 42 });
  });
});

it('a platform that is to use Docker where no engine answers tells which socket it tried and what to do', async () => {
  const socket = join(dataFolder, 'nowhere.sock');
  const port = String(await freePortPair());
  const { code, printed } = await failingStart({
    ...variables,
    MILLRACE_KAFKA_PORT: port,
    MILLRACE_DOCKER_SOCKET: socket,
  });
  expect(code).toBe(1);
  expect(printed).toContain(`No Docker engine answers at ${socket}`);
  expect(printed).toContain('MILLRACE_DOCKER_SOCKET');
});
