import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../builder.ts';
import { namesDependencies } from '../core/dependencies.ts';
import { type BuildLock, type DependencyLock, keyOf, lockedDependencies, textDigest } from '../core/lock.ts';
import { builderErrors } from '../errors.ts';
import { runInSandbox } from '../run-in-sandbox.ts';
import { type LockedLayer, type LockedLayerDeps, lockedLayer, type MountedLayer } from './locked-layer.ts';

const workFolder = '/opt/build';

const readOptional = async (file: string): Promise<string | null> => await readFile(file, 'utf8').catch(() => null);

export interface WantedDependencies {
  /** System packages, with which some are built. */
  readonly system: MountedLayer | null;
  readonly lock: BuildLock | null;
}

/** A lock file that the algorithm brings, in the form of its language. */
const ownLockOf = async ({ appFolder, environment }: Workspace): Promise<unknown> => {
  const text = environment.ownLock ? await readOptional(join(appFolder, environment.lockFile)) : null;
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    throw builderErrors.PLAN_INVALID({ message: `${environment.lockFile}: it is not valid JSON` });
  }
};

/** The interpreter's version and a runner of the environment's commands in a folder of work. */
const createWork = (deps: LockedLayerDeps, workspace: Workspace, system: MountedLayer | null) => {
  const folder = join(workspace.folder, 'dependencies');
  const run = async (command: string, network: 'none' | 'outside'): Promise<string> =>
    await runInSandbox(deps.sandboxes, workspace, {
      step: 'dependencies',
      command,
      mounts: [{ source: folder, target: workFolder, writable: true }],
      workingFolder: workFolder,
      network,
      systemLayer: system?.folder ?? null,
    });
  return { folder, run };
};

/**
 * Gives the layer of the algorithm's dependencies: from the cache when a build resolved the same before, else by
 * running the environment's commands in sandboxes with network. Null when the algorithm names none.
 */
export const resolveDependencies = async (
  deps: LockedLayerDeps,
  workspace: Workspace,
  { system, lock }: WantedDependencies,
): Promise<LockedLayer<DependencyLock> | null> => {
  const { environment, appFolder, log } = workspace;
  const { dependencyFile, lockFile, install } = environment;
  const text = await readOptional(join(appFolder, dependencyFile));
  if (text === null || !namesDependencies(environment, text)) {
    log.write('platform', `dependencies: none in ${dependencyFile}\n`);
    return null;
  }
  const declared = textDigest(text);
  const { folder, run } = createWork(deps, workspace, system);
  await mkdir(join(folder, environment.dependencyFolder), { recursive: true });
  await writeFile(join(folder, dependencyFile), text);
  const interpreter = (await run(environment.interpreter, 'none')).trim();
  const own = await ownLockOf(workspace);
  const given = lockedDependencies(lock, { name: dependencyFile, declared });
  const surroundings = [environment.id, interpreter, system?.digest ?? null];
  return await lockedLayer<DependencyLock>(deps, workspace, {
    step: 'dependencies',
    given: given ?? (own === null ? null : { declared, interpreter, content: own }),
    resolvedKey: keyOf('dependencies', ...surroundings, environment.resolve, declared),
    resolve: async () => {
      await run(environment.resolve, 'outside');
      const content: unknown = JSON.parse(await readFile(join(folder, lockFile), 'utf8'));
      return { declared, interpreter, content };
    },
    layerKey: ({ content }) => keyOf('dependencies', ...surroundings, install, declared, content),
    install: async ({ content }) => {
      await writeFile(join(folder, lockFile), JSON.stringify(content));
      await run(install, 'outside');
      return join(folder, environment.dependencyFolder);
    },
  });
};
