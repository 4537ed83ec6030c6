import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createE2eClient, eventually } from '../helpers/e2e-client.ts';
import { killAll, mountsBelow, notedGroups, processTree, stillAlive } from '../helpers/e2e-machine.ts';
import { type E2eProcess, type E2eVariables, failingStart, startE2eProcess } from '../helpers/e2e-process.ts';
import { probe } from '../helpers/e2e-sources.ts';
import { freePortPair } from '../helpers/free-ports.ts';

let dataFolder = '';
let variables: E2eVariables = {};
let platform: E2eProcess;

/** Far above the 10 s of an idle machine: here other tests run beside. */
const startWithinMs = 60_000;

const start = async (): Promise<ReturnType<typeof createE2eClient>> => {
  platform = await startE2eProcess(variables);
  return createE2eClient(platform);
};

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'millrace-e2e-life-'));
  variables = {
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_KAFKA_PORT: String(await freePortPair()),
    MILLRACE_ADMIN_KEY: 'simLife',
  };
});

afterAll(async () => {
  await platform.end('SIGTERM');
  await rm(dataFolder, { recursive: true, force: true });
});

describe('a platform on one machine', () => {
  it('answers the calls that run and those that wait when it is told to end, and leaves nothing behind', async () => {
    const client = await start();
    await client.deploy(probe('Lasting'));
    expect((await client.call('admin/Lasting', { body: 'warm' })).text).toContain('"warm"');
    const groups = notedGroups(dataFolder);
    expect(groups.length).toBeGreaterThan(0);
    // More than there are slots on a small machine.
    const calls = Array.from(
      { length: 6 },
      async () => await client.call('admin/Lasting', { body: { do: 'sleep', seconds: 1.5 } }),
    );
    await eventually(async () => {
      const { text } = await client.ask('GET', '/metrics');
      return /^millrace_calls_waiting(?:{.*})? 6$/m.test(text) ? true : undefined;
    });
    const tree = processTree(platform.pid);
    expect(tree.length).toBeGreaterThan(3);
    const ended = platform.end('SIGTERM');
    for (const answer of await Promise.all(calls)) {
      expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('"slept"') as string]);
    }
    expect(await ended).toBe(0);
    expect(stillAlive(tree)).toEqual([]);
    expect(mountsBelow(dataFolder)).toEqual([]);
    expect(groups.filter((group) => existsSync(group))).toEqual([]);
    expect(existsSync(join(dataFolder, 'address'))).toBe(false);
  });

  it('starts again with what it had', async () => {
    const client = await start();
    expect((await client.call('admin/Lasting/0.1.0', { body: 'again' })).text).toContain('"again"');
    process.stdout.write(`second start: ${(platform.startedInMs / 1000).toFixed(1)} s\n`);
    expect(platform.startedInMs).toBeLessThan(startWithinMs);
  });

  it('refuses a second platform on its folder', async () => {
    const port = String(await freePortPair());
    const { code, printed } = await failingStart({ ...variables, MILLRACE_KAFKA_PORT: port });
    expect(code).toBe(1);
    expect(printed).toContain(`in use by process ${platform.pid}`);
    expect(printed).toContain('MILLRACE_DATA_DIR');
  });

  it('recovers by itself when everything was killed while it worked', async () => {
    const before = createE2eClient(platform);
    const lost = before.call('admin/Lasting', { body: { do: 'sleep', seconds: 6 } }).catch(() => null);
    await eventually(async () => {
      const { processes } = (await before.ask('GET', '/v1/status')).json() as { processes: { busy: number }[] };
      return processes.some(({ busy }) => busy > 0) ? true : undefined;
    });
    const queued = (await before.call('admin/Lasting?output=void', { body: 'kept' })).json() as { request_id: string };
    const tree = processTree(platform.pid);
    killAll(tree);
    await platform.end('SIGKILL');
    await lost;
    await eventually(async () => await Promise.resolve(stillAlive(tree).length === 0 ? true : undefined));
    const client = await start();
    process.stdout.write(`start after kill -9: ${(platform.startedInMs / 1000).toFixed(1)} s\n`);
    expect((await client.call('admin/Lasting', { body: 'back' })).text).toContain('"back"');
    const state = await eventually(
      async () => {
        const answer = await client.ask('GET', `/v1/requests/${queued.request_id}`);
        return answer.text.includes('"state":"succeeded"') ? answer.json() : undefined;
      },
      { what: 'the answer to what was queued', withinMs: 60_000 },
    );
    expect(state).toMatchObject({ result: 'kept' });
  });
});

describe('a start that cannot succeed', () => {
  it.each(['MILLRACE_HTTP_PORT', 'MILLRACE_KAFKA_PORT'])(
    'because of a taken port names its holder and %s',
    async (name) => {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-port-'));
      const port = await freePortPair();
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      try {
        const other = String(await freePortPair());
        const { code, printed } = await failingStart({
          MILLRACE_DATA_DIR: folder,
          MILLRACE_HTTP_PORT: other,
          MILLRACE_KAFKA_PORT: other,
          [name]: String(port),
        });
        expect(code).toBe(1);
        expect(printed).toContain(`process ${process.pid}`);
        expect(printed).toContain(name);
      } finally {
        server.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
  );

  it('reports all that is wrong with its configuration at once', async () => {
    const { code, printed } = await failingStart({
      MILLRACE_HTTP_PORT: 'eighty',
      MILLRACE_LOG_LEVEL: 'loud',
      MILLRACE_KAFKA_PROT: '1',
    });
    expect(code).toBe(1);
    for (const text of [
      'MILLRACE_HTTP_PORT',
      'eighty',
      'MILLRACE_LOG_LEVEL',
      'loud',
      'MILLRACE_KAFKA_PROT',
      'MILLRACE_KAFKA_PORT',
    ]) {
      expect(printed).toContain(text);
    }
  });
});
