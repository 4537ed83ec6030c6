import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  Admin,
  type ConnectionOptions,
  Consumer,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { brokerFiles, makeFolders } from '../../src/platform/embedded-log/broker-files.ts';
import { claimFolder } from '../../src/platform/embedded-log/claim.ts';
import { ensureCredentials } from '../../src/platform/embedded-log/credentials.ts';
import { createEmbeddedLog, type EmbeddedLog } from '../../src/platform/embedded-log/embedded-log.ts';
import { ensureFormatted } from '../../src/platform/embedded-log/format.ts';
import { findJars } from '../../src/platform/embedded-log/java-command.ts';
import { markOf } from '../../src/platform/embedded-log/running-process.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { freePortPair } from '../helpers/free-ports.ts';

const jarsFolder = path.resolve('.kafka');
const metrics = createMetrics();
const ups: number[] = [];
let folder: string;
let port: number;
let log: EmbeddedLog;

const options = (overrides: { dataFolder?: string; port?: number } = {}) => ({
  dataFolder: folder,
  port,
  jarsFolder,
  clock: systemClock,
  logger: silentLogger,
  ...overrides,
});

const client = (sasl?: ConnectionOptions['sasl']) => ({
  clientId: 'contract',
  bootstrapBrokers: [...log.brokers],
  retries: 0,
  connectTimeout: 2_000,
  timeout: 2_000,
  ...(sasl === undefined ? {} : { sasl }),
});
const ours = (): NonNullable<ConnectionOptions['sasl']> => ({
  mechanism: log.sasl.mechanism,
  username: log.sasl.username,
  password: log.sasl.password.reveal(),
});

const listTopics = async (sasl?: ConnectionOptions['sasl']): Promise<readonly string[]> => {
  const admin = new Admin(client(sasl));
  try {
    return await admin.listTopics();
  } finally {
    await admin.close();
  }
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-log-'));
  port = await freePortPair();
  log = await createEmbeddedLog({ ...options(), metrics, onUp: (downMs) => ups.push(downMs) });
  await log.start();
});
afterAll(async () => {
  await log.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the embedded log', () => {
  test('serves its own user, whose credentials only the owner of the folder can read', async () => {
    expect(await listTopics(ours())).toEqual([]);
    for (const name of ['credentials', 'server.properties', 'broker.args']) {
      expect((await stat(path.join(folder, 'kafka', name))).mode & 0o077).toBe(0);
    }
  });

  test('keeps its passwords off the command line', async () => {
    const commandLine = await readFile(`/proc/${log.pid() ?? 0}/cmdline`, 'utf8');
    expect(commandLine).toContain('broker.args');
    expect(commandLine).not.toContain(log.sasl.password.reveal());
  });

  test('refuses a client that does not authenticate', async () => {
    await expect(listTopics()).rejects.toThrow();
  });

  test('refuses a wrong password and an unknown user', async () => {
    await expect(listTopics({ ...ours(), password: 'wrong' })).rejects.toThrow();
    await expect(listTopics({ ...ours(), username: 'nobody' })).rejects.toThrow();
  });

  test('names the process that holds its port and the variable to set', async () => {
    const holder: Server = createServer().listen(await freePortPair(), '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const taken = typeof address === 'object' && address !== null ? address.port : 0;
    const second = await createEmbeddedLog(options({ dataFolder: path.join(folder, 'second'), port: taken }));
    await expect(second.start()).rejects.toThrow(
      new RegExp(`Port ${taken} for the log is taken by process ${process.pid} \\(.+\\). Set MILLRACE_KAFKA_PORT`),
    );
    holder.close();
  });

  test('says what to do when its artefacts are missing', async () => {
    await expect(createEmbeddedLog({ ...options(), jarsFolder: path.join(folder, 'none') })).rejects.toThrow(
      /bin\/setup\.mjs/,
    );
  });

  test('is back within 15 s of a kill -9 with everything that it acknowledged', { timeout: 30_000 }, async () => {
    const admin = new Admin({ ...client(ours()), retries: 20, retryDelay: 100 });
    await admin.createTopics({ topics: ['kept'], partitions: 1, replicas: 1 });
    await admin.close();
    const producer = new Producer({ ...client(ours()), retries: 20, retryDelay: 100, serializers: stringSerializers });
    const values = Array.from({ length: 100 }, (_, n) => `value-${n}`);
    await producer.send({ acks: -1, messages: values.map((value) => ({ topic: 'kept', value })) });
    await producer.close();

    const killed = log.pid() ?? 0;
    process.kill(killed, 'SIGKILL');
    await until(() => ups.length === 1);

    expect(ups[0]).toBeLessThan(15_000);
    expect(log.pid()).not.toBe(killed);
    expect(await metrics.text()).toContain('millrace_embedded_log_restarts_total 1');
    const consumer = new Consumer({
      ...client(ours()),
      retries: 20,
      retryDelay: 100,
      groupId: 'reader',
      deserializers: stringDeserializers,
    });
    const stream = await consumer.consume({ topics: ['kept'], mode: 'earliest', maxWaitTime: 100 });
    const read: string[] = [];
    for await (const message of stream) {
      read.push(message.value);
      if (read.length === values.length) break;
    }
    await consumer.close(true);
    expect(read).toEqual(values);
  });

  test('refuses a folder whose supervisor runs, and takes it over once that was killed', {
    timeout: 60_000,
  }, async () => {
    // given a platform in another process
    const data = path.join(folder, 'other');
    const words = [
      path.resolve('test/fixtures/embedded-log-process.ts'),
      data,
      String(await freePortPair()),
      jarsFolder,
    ];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [started] = (await once(child.stdout, 'data')) as [Buffer];
    const orphan = Number(started.toString());
    const successor = await createEmbeddedLog(options({ dataFolder: data, port: await freePortPair() }));
    await expect(successor.start()).rejects.toThrow(new RegExp(`in use by process ${child.pid ?? 0}`));
    // when it dies without a chance to stop its broker, and another starts on its folder
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await successor.start();
    // then there is one broker, and it is the successor's
    expect(existsSync(`/proc/${orphan}`)).toBe(false);
    expect(successor.pid()).not.toBe(orphan);
    await successor.stop();
    expect(successor.pid()).toBeUndefined();
  });

  test('ends a broker that outlived its killed supervisor', async () => {
    // given a pid file of a supervisor that is gone, and a process started for this folder
    const files = brokerFiles(path.join(folder, 'left'));
    await makeFolders(files);
    const left = spawn('/bin/sh', ['-c', 'read line', `@${files.arguments}`], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(left, 'spawn');
    const broker = markOf(left.pid ?? 0);
    await writeFile(files.pid, JSON.stringify({ broker, supervisor: { pid: 1, startedTicks: 'long ago' } }));
    const gone = once(left, 'exit');
    // when the folder is claimed
    await claimFolder(files, systemClock);
    // then the process is gone
    expect(await gone).toEqual([null, 'SIGTERM']);
  });

  test('leaves a process alone that merely has the number in the pid file', async () => {
    const files = brokerFiles(path.join(folder, 'reused'));
    await makeFolders(files);
    const other = spawn('/bin/sh', ['-c', 'read line', 'something else'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(other, 'spawn');
    const broker = markOf(other.pid ?? 0);
    await writeFile(files.pid, JSON.stringify({ broker, supervisor: { pid: 1, startedTicks: 'long ago' } }));
    await claimFolder(files, systemClock);
    expect(markOf(other.pid ?? 0)).toEqual(broker);
    other.stdin.end();
    await once(other, 'exit');
  });

  test('says so when the credentials of existing data are missing or others', { timeout: 60_000 }, async () => {
    const data = path.join(folder, 'other-credentials');
    const files = brokerFiles(data);
    await makeFolders(files);
    const made = await ensureCredentials(files.folder);
    await ensureFormatted({ files, port: await freePortPair(), jars: findJars(jarsFolder), credentials: made });
    const credentials = path.join(data, 'kafka', 'credentials');
    const text = await readFile(credentials, 'utf8');
    await rm(credentials);
    await expect(createEmbeddedLog(options({ dataFolder: data }))).rejects.toThrow(
      /credentials is missing. Restore that file/,
    );
    await writeFile(credentials, text.replace(/"password":"[^"]*"/, '"password":"another"'));
    const second = await createEmbeddedLog(options({ dataFolder: data, port: await freePortPair() }));
    await expect(second.start()).rejects.toMatchObject({
      code: expect.stringMatching(/CREDENTIALS_LOST|START_FAILED/) as string,
    });
    expect(second.pid()).toBeUndefined();
  });
});
