import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'vitest';
import { buildSandboxesOf } from '../../src/builder/build-sandboxes.ts';
import type { BuildEnd } from '../../src/builder/builder.ts';
import { type Builder, createBuilder } from '../../src/builder/create.ts';
import { readBuildEnvironments } from '../../src/builder/read-environments.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { platformTopics, topics } from '../../src/kernel/topics.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { createMemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging, type MemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import type { CommandRequest } from '../../src/messaging/state-view.ts';
import { createDirectoryBlobs } from '../../src/platform/blobs/directory-blobs.ts';
import { createLayerStore, type LayerStore } from '../../src/platform/blobs/layer-store.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createBareRepositories } from '../../src/platform/git/bare-repositories.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { createSandboxDriver, type SandboxDriverDeps } from '../../src/sandboxes/create.ts';
import type { SandboxDriver } from '../../src/sandboxes/sandbox.ts';

/** A builder with real git, blobs and sandboxes over a log in memory; the commands it sends are collected. */
export interface BuilderScenario {
  readonly folder: string;
  readonly driver: SandboxDriver;
  readonly layers: LayerStore;
  /** What followers of build logs have seen. */
  readonly lines: readonly string[];
  /** Commits the files and asks for a build of them; resolves when control was told how it ended. */
  readonly build: (files: Readonly<Record<string, string>>, environment?: string) => Promise<BuildEnd>;
  readonly logOf: (end: BuildEnd) => Promise<string>;
  readonly lockOf: (end: BuildEnd) => Promise<string>;
  readonly close: () => Promise<void>;
}

const runtime = resolve(import.meta.dirname, '../../runtime');
const clock = systemClock;
const random = systemRandom;
const codec = createCodec();
const repository = { owner: 'ada', name: 'tool' };
const buildTimeoutMs = 240_000;

interface Parts {
  readonly folder: string;
  readonly driver: SandboxDriver;
  readonly messaging: MemoryMessaging;
  readonly layers: LayerStore;
  readonly ends: Map<string, BuildEnd>;
}

const readLines = async (messaging: MemoryMessaging, lines: string[]): Promise<void> => {
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
};

const createScenarioBuilder = ({ folder, driver, messaging, layers, ends }: Parts): Builder =>
  createBuilder({
    messaging,
    codec,
    clock,
    logger: silentLogger,
    blobs: createDirectoryBlobs({ folder: join(folder, 'blobs') }),
    git: createBareRepositories({ folder: join(folder, 'git') }),
    catalog: { build: () => null },
    commands: {
      send: async ({ name, body }: CommandRequest) => {
        expect(name).toBe('build.finish');
        const end = body as BuildEnd & { readonly hash: string };
        ends.set(end.hash, end);
        return await Promise.resolve({ kind: 'done', reply: null });
      },
    },
    layers,
    environments: readBuildEnvironments(join(runtime, 'environments')),
    workFolder: join(folder, 'layers', '.builds'),
    buildsAtOnce: 1,
    sandboxes: buildSandboxesOf({
      driver,
      clock,
      random,
      runtimeFolder: runtime,
      config: { MILLRACE_BUILDS_AT_ONCE: 1, MILLRACE_BUILD_MEMORY_MB: 2048, MILLRACE_BUILD_STEP_TIMEOUT_S: 180 },
    }),
    onFailed: (error) => {
      throw error;
    },
  });

const commit = async (folder: string, files: Readonly<Record<string, string>>): Promise<string> => {
  const source = await mkdtemp(join(folder, 'source-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(source, name)), { recursive: true });
    await writeFile(join(source, name), content);
  }
  const git = createBareRepositories({ folder: join(folder, 'git') });
  await git.create(repository);
  const author = { name: 'ada', email: 'ada@test' };
  return await git.commitFolder(repository, source, { author, message: 'test' });
};

const request = async ({ messaging }: Parts, build: string, environment: string): Promise<void> => {
  const appender = await messaging.appender({ name: 'control' });
  const order = {
    algorithmId: 'tool',
    owner: 'ada',
    name: 'tool',
    build,
    environment,
    requestedBy: 'ada',
    requestedAtMs: 0,
  };
  await appender.append(codec.encode(topics.builds, order, { key: 'tool' }));
  await appender.close();
};

/** Starts a builder with empty stores in a folder of its own. */
export const openBuilderScenario = async (kind: SandboxDriverDeps['kind'] = 'bubblewrap'): Promise<BuilderScenario> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-builder-'));
  const messaging = createMemoryMessaging({ broker: createMemoryBroker({ clock }) });
  const runFolder = join(folder, 'run');
  const driver = await createSandboxDriver({ kind, runFolder, clock, logger: silentLogger });
  const blobs = createDirectoryBlobs({ folder: join(folder, 'blobs') });
  const layers = createLayerStore({ blobs, random, folder: join(folder, 'layers') });
  const parts: Parts = { folder, driver, messaging, layers, ends: new Map() };
  const lines: string[] = [];
  await messaging.admin.ensureTopics(platformTopics(['cpu']));
  await readLines(messaging, lines);
  const builder = createScenarioBuilder(parts);
  await builder.start();
  return {
    folder,
    driver,
    layers,
    lines,
    build: async (files, environment = 'python3') => {
      const hash = await commit(folder, files);
      parts.ends.delete(hash);
      await request(parts, hash, environment);
      await expect.poll(() => parts.ends.has(hash), { timeout: buildTimeoutMs }).toBe(true);
      const end = parts.ends.get(hash);
      if (end === undefined) throw new Error('the build did not end');
      return end;
    },
    logOf: async (end) => await readFile(join(folder, 'blobs', end.log ?? ''), 'utf8'),
    lockOf: async (end) => await readFile(join(folder, 'blobs', end.lock ?? ''), 'utf8'),
    close: async () => {
      await builder.stop();
      await driver.close();
      await messaging.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
