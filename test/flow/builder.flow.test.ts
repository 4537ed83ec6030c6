import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuildEnd } from '../../src/builder/builder.ts';
import { type Builder, createBuilder } from '../../src/builder/create.ts';
import { readBuildEnvironments } from '../../src/builder/read-environments.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { platformTopics, topics } from '../../src/kernel/topics.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { createMemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import type { CommandRequest } from '../../src/messaging/state-view.ts';
import { createDirectoryBlobs } from '../../src/platform/blobs/directory-blobs.ts';
import { createLayerStore } from '../../src/platform/blobs/layer-store.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createBareRepositories } from '../../src/platform/git/bare-repositories.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { createSandboxDriver } from '../../src/sandboxes/create.ts';
import type { SandboxDriver } from '../../src/sandboxes/sandbox.ts';

/** A builder with real git, blobs and sandboxes over a log in memory; the commands it sends are collected. */

const runtime = resolve(import.meta.dirname, '../../runtime');
const clock = systemClock;
const random = systemRandom;
const codec = createCodec();
const repository = { owner: 'ada', name: 'tool' };

let folder: string;
let driver: SandboxDriver;
let builder: Builder;
const ends = new Map<string, BuildEnd>();
const lines: string[] = [];
const messaging = createMemoryMessaging({ broker: createMemoryBroker({ clock }) });

const take = async ({ name, body }: CommandRequest): Promise<{ kind: 'done'; reply: null }> => {
  expect(name).toBe('build.finish');
  const end = body as BuildEnd & { readonly hash: string };
  ends.set(end.hash, end);
  return await Promise.resolve({ kind: 'done', reply: null });
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-builder-'));
  driver = await createSandboxDriver({
    kind: 'bubblewrap',
    runFolder: join(folder, 'run'),
    clock,
    logger: silentLogger,
  });
  const blobs = createDirectoryBlobs({ folder: join(folder, 'blobs') });
  await messaging.admin.ensureTopics(platformTopics(['cpu']));
  for (let partition = 0; partition < topics.logs.partitions; partition += 1) {
    await messaging.own({
      topic: topics.logs,
      partition,
      from: 'start',
      isolation: 'committed',
      onRecords: (records) => void lines.push(...records.map((record) => codec.decode('log-line', record).text)),
      onFailed: () => {},
    });
  }
  builder = createBuilder({
    messaging,
    codec,
    clock,
    logger: silentLogger,
    blobs,
    git: createBareRepositories({ folder: join(folder, 'git') }),
    catalog: { build: () => null },
    commands: { send: take },
    layers: createLayerStore({ blobs, random, folder: join(folder, 'layers') }),
    environments: readBuildEnvironments(join(runtime, 'environments')),
    workFolder: join(folder, 'layers', '.builds'),
    buildsAtOnce: 1,
    sandboxes: {
      driver,
      clock,
      random,
      tools: [],
      variables: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home/algo', PYTHONPATH: '/opt/dependencies' },
      memoryBytes: 1024 * 1024 * 1024,
      timeoutMs: 60_000,
    },
    onFailed: (error) => {
      throw error;
    },
  });
  await builder.start();
});

afterAll(async () => {
  await builder.stop();
  await driver.close();
  await messaging.close();
  await rm(folder, { recursive: true, force: true });
});

/** Commits the files and asks for a build of them; resolves when control was told how it ended. */
const build = async (files: Readonly<Record<string, string>>): Promise<BuildEnd> => {
  const source = await mkdtemp(join(folder, 'source-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(source, name)), { recursive: true });
    await writeFile(join(source, name), content);
  }
  const git = createBareRepositories({ folder: join(folder, 'git') });
  await git.create(repository);
  const hash = await git.commitFolder(repository, source, {
    author: { name: 'ada', email: 'ada@test' },
    message: 'test',
  });
  ends.delete(hash);
  const appender = await messaging.appender({ name: 'control' });
  const order = {
    algorithmId: 'tool',
    owner: 'ada',
    name: 'tool',
    build: hash,
    environment: 'python3',
    requestedBy: 'ada',
    requestedAtMs: 0,
  };
  await appender.append(codec.encode(topics.builds, order, { key: 'tool' }));
  await appender.close();
  await expect.poll(() => ends.has(hash), { timeout: 60_000 }).toBe(true);
  const end = ends.get(hash);
  if (end === undefined) throw new Error('the build did not end');
  return end;
};

const source = { 'src/tool.py': 'def apply(input):\n    return input\n', 'src/__init__.py': '' };

const logOf = async (end: BuildEnd): Promise<string> => await readFile(join(folder, 'blobs', end.log ?? ''), 'utf8');

test('a commit becomes an application layer, compiled ahead', async () => {
  const end = await build(source);
  expect(end).toMatchObject({ status: 'succeeded', error: null, tests: null });
  expect(end.artefact).toMatchObject({ dependencies: null });
  const layer = join(folder, 'layers', end.artefact?.app ?? '');
  expect(await readFile(join(layer, 'src', 'tool.py'), 'utf8')).toBe(source['src/tool.py']);
  expect((await readFile(join(layer, 'src', '__pycache__', 'tool.cpython-311.pyc'))).length).toBeGreaterThan(0);
  expect(await logOf(end)).toContain('Beginning container customization of ada/tool');
}, 60_000);

test('what the build commands write becomes part of the layer, and their output reaches the log while they run', async () => {
  const end = await build({
    ...source,
    'millrace.yaml': 'build:\n  - echo trained on 3 samples\n  - echo weights > model.txt\n',
  });
  expect(end.status).toBe('succeeded');
  expect(await readFile(join(folder, 'layers', end.artefact?.app ?? '', 'model.txt'), 'utf8')).toBe('weights\n');
  await expect.poll(() => lines.join('')).toContain('trained on 3 samples');
}, 60_000);

test('a command that fails ends the build with its step, the command and how it ended', async () => {
  const end = await build({ ...source, 'millrace.yaml': 'build: echo no such compiler >&2; exit 3\n' });
  expect(end).toMatchObject({ status: 'failed', artefact: null });
  expect(end.error).toMatchObject({ step: 'build' });
  expect(end.error?.message).toContain('exited with code 3');
  expect(await logOf(end)).toContain('no such compiler');
}, 60_000);

test('an unknown field of millrace.yaml is refused by its name', async () => {
  const end = await build({ ...source, 'millrace.yaml': 'memmory: 3\n' });
  expect(end.error?.step).toBe('plan');
  expect(end.error?.message).toContain('"memmory"');
}, 60_000);

test("the algorithm's tests are run without network on what was built, and reported", async () => {
  const good = await build({
    ...source,
    'millrace.yaml': 'test: python3 -c "import src.tool as t; assert t.apply(1) == 1; print(\'1 passed\')"\n',
  });
  expect(good.tests).toEqual({ passed: true, summary: '1 passed' });
  const bad = await build({ ...source, 'millrace.yaml': 'test: touch src/new || exit 5\n' });
  expect(bad.status).toBe('succeeded');
  expect(bad.tests).toMatchObject({ passed: false });
  expect(bad.tests?.summary).toContain('exited with code 5');
}, 60_000);

test('dependencies are resolved once for all builds that name the same', async () => {
  const files = { ...source, 'requirements.txt': 'six==1.17.0\n' };
  const first = await build(files);
  expect(first.error).toBeNull();
  const second = await build({ ...files, 'src/more.py': 'more = 1\n' });
  expect(second.artefact?.dependencies).toBe(first.artefact?.dependencies);
  expect(second.artefact?.app).not.toBe(first.artefact?.app);
  expect(await logOf(first)).toContain('Successfully installed six-1.17.0');
  expect(await logOf(second)).toContain('dependencies: unchanged');
}, 90_000);
