import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type BuildDeps, runBuild, testBuild } from '../builder/build.ts';
import type { BuildEnvironment, BuildLog, Workspace } from '../builder/builder.ts';
import { type BuildSandboxes, runInSandbox } from '../builder/run-in-sandbox.ts';
import type { Clock } from '../kernel/clock.ts';
import { environmentOfName } from '../kernel/environment-names.ts';
import { asPlatformError } from '../kernel/errors.ts';
import type { Random } from '../kernel/random.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import type { LayerStore } from '../platform/blobs/layer-store.ts';
import { unpackArchive } from '../platform/git/unpack-archive.ts';
import type { BuildRecord, BuildRecords } from './build-records.ts';
import { localErrors } from './errors.ts';
import type { LocalBuild, LocalPlatform, LocalSource, Tell } from './local.ts';
import { sourceDigest } from './source-digest.ts';

export interface BuildFolderDeps {
  readonly environments: ReadonlyMap<string, BuildEnvironment>;
  readonly sandboxes: BuildSandboxes;
  readonly layers: LayerStore;
  /** Where `layers` unpacks. */
  readonly layersFolder: string;
  /** What `layers` packs into. */
  readonly blobs: Blobs;
  readonly records: BuildRecords;
  readonly clock: Clock;
  readonly random: Random;
}

export interface FolderBuilds extends Pick<LocalPlatform, 'build' | 'test'> {
  readonly environmentOf: (name: string) => BuildEnvironment;
}

const tailLinesMax = 200;

const createLog = (tell: Tell): BuildLog => {
  let last: string[] = [];
  return {
    write: (stream, text) => {
      if (text === '') return;
      tell(stream, text);
      last = [...last, text].slice(-tailLinesMax);
    },
    tail: (lines) => last.join('').trimEnd().split('\n').slice(-lines).join('\n'),
    end: async () => await Promise.resolve(''),
  };
};

interface Place {
  readonly environment: BuildEnvironment;
  readonly appFolder: string;
  readonly folder: string;
}

const workspaceOf = (source: LocalBuild['source'], hash: string, place: Place, tell: Tell): Workspace => ({
  ...place,
  order: {
    algorithmId: source.name,
    owner: 'local',
    name: source.name,
    hash,
    environment: source.environment,
  },
  log: createLog(tell),
});

/** Everything that decides what comes out, but the registries' answers: these a deploy does not ask for again either. */
const keyOf = async (deps: BuildFolderDeps, workspace: Workspace): Promise<string> => {
  const { environment, appFolder } = workspace;
  const [source, interpreter] = await Promise.all([
    sourceDigest(appFolder),
    runInSandbox(
      deps.sandboxes,
      { ...workspace, log: createLog(() => {}) },
      {
        step: 'dependencies',
        command: environment.interpreter,
        mounts: [],
        workingFolder: '/',
        network: 'none',
        systemLayer: null,
      },
    ),
  ]);
  return createHash('sha256')
    .update(JSON.stringify([source, environment, interpreter]))
    .digest('hex');
};

/** The record of that key when its layers are still here. */
const findBuilt = async ({ records, layers }: BuildFolderDeps, key: string): Promise<BuildRecord | null> => {
  const record = await records.find(key);
  if (record === null) return null;
  const { app, dependencies, system = null } = record.artefact;
  try {
    for (const digest of [app, dependencies, system]) if (digest !== null) await layers.folderOf(digest);
    return record;
  } catch {
    await records.forget(key);
    return null;
  }
};

const runSteps = async (
  deps: BuildFolderDeps,
  workspace: Workspace,
): Promise<Pick<BuildRecord, 'artefact' | 'run'>> => {
  const build: BuildDeps = { sandboxes: deps.sandboxes, layers: deps.layers, blobs: deps.blobs, tests: 'skip' };
  const { artefact, run, error } = await runBuild(build, workspace);
  if (artefact !== null && run !== null) return { artefact, run };
  const { step, message } = error ?? { step: 'platform', message: 'it gave no reason' };
  throw localErrors.BUILD_FAILED({ message: `the build failed in ${step}: ${message}`, details: { step } });
};

const removeLayers = async ({ blobs, layersFolder }: BuildFolderDeps, digests: readonly string[]): Promise<void> => {
  for (const digest of digests) {
    await rm(join(layersFolder, digest), { recursive: true, force: true });
    await blobs.removeFolder(`layers/${digest}.tar.gz`);
  }
};

const unpack = async (source: LocalSource, appFolder: string): Promise<void> => {
  try {
    await unpackArchive(Readable.from([source.archive]), appFolder);
  } catch (error) {
    const { message } = asPlatformError(error);
    throw localErrors.BUILD_FAILED({ message: `the source of ${source.name} would be refused: ${message}` });
  }
};

/** Builds folders, and remembers what was built. */
export const createFolderBuilds = (deps: BuildFolderDeps): FolderBuilds => {
  const { environments, clock, random, records, layers } = deps;

  const environmentOf = (name: string): BuildEnvironment => {
    const environment = environments.get(environmentOfName(name, (id) => environments.has(id)) ?? name);
    if (environment !== undefined) return environment;
    const known = [...environments.keys()].join(', ');
    throw localErrors.ENVIRONMENT_UNKNOWN({ message: `there is no environment "${name}"; known are ${known}` });
  };
  const inScratch = async <Result>(use: (folder: string) => Promise<Result>): Promise<Result> => {
    const folder = join(deps.layersFolder, '.builds', random.uuid());
    await mkdir(folder, { recursive: true });
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };

  return {
    environmentOf,
    build: async (source, tell) =>
      await inScratch(async (folder) => {
        const named = { folder: source.folder, name: source.name, environment: source.environment };
        const place = { environment: environmentOf(source.environment), folder, appFolder: join(folder, 'app') };
        await unpack(source, place.appFolder);
        const key = await keyOf(deps, workspaceOf(named, '', place, tell));
        const hash = key.slice(0, 40);
        const known = await findBuilt(deps, key);
        if (known !== null) return { source: named, hash, artefact: known.artefact, run: known.run, unchanged: true };
        const built = await runSteps(deps, workspaceOf(named, hash, place, tell));
        const record = { ...built, folder: source.folder, builtAtMs: Math.round(clock.nowMs()) };
        await removeLayers(deps, await records.add(key, record));
        return { source: named, hash, ...built, unchanged: false };
      }),
    test: async ({ source, hash, artefact }, tell) =>
      await inScratch(async (folder) => {
        const environment = environmentOf(source.environment);
        const appFolder = await layers.folderOf(artefact.app);
        const workspace = workspaceOf(source, hash, { environment, folder, appFolder }, tell);
        return await testBuild(deps, workspace, artefact);
      }),
  };
};
