import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layer, LayerStore } from '../../platform/blobs/layer-store.ts';
import type { Workspace } from '../builder.ts';
import { layerKey, namesDependencies } from '../core/dependencies.ts';
import { type BuildSandboxes, runInSandbox } from '../run-in-sandbox.ts';

/** A dependency layer, and a folder on this machine that holds its files. */
export interface DependencyLayer extends Layer {
  readonly folder: string;
}

const workFolder = '/opt/build';

const readOptional = async (file: string): Promise<string | null> => await readFile(file, 'utf8').catch(() => null);

const prepareFolder = async ({ appFolder, folder, environment }: Workspace, lock: string | null): Promise<string> => {
  const build = join(folder, 'dependencies');
  await mkdir(join(build, environment.dependencyFolder), { recursive: true });
  await copyFile(join(appFolder, environment.dependencyFile), join(build, environment.dependencyFile));
  if (lock !== null && environment.lockFile !== null) {
    await copyFile(join(appFolder, environment.lockFile), join(build, environment.lockFile));
  }
  return build;
};

export interface ResolveDependenciesDeps {
  readonly sandboxes: BuildSandboxes;
  readonly layers: LayerStore;
}

/**
 * Gives the layer of the algorithm's dependencies: from the cache when a build resolved the same before, else by
 * running the environment's command in a sandbox with network. Null when the algorithm names none.
 */
export const resolveDependencies = async (
  deps: ResolveDependenciesDeps,
  workspace: Workspace,
): Promise<DependencyLayer | null> => {
  const { environment, appFolder, log } = workspace;
  const dependencies = await readOptional(join(appFolder, environment.dependencyFile));
  if (dependencies === null || !namesDependencies(environment, dependencies)) {
    log.write('platform', `dependencies: none in ${environment.dependencyFile}\n`);
    return null;
  }
  const lock = environment.lockFile === null ? null : await readOptional(join(appFolder, environment.lockFile));
  const interpreter = await runInSandbox(deps.sandboxes, workspace, {
    step: 'dependencies',
    command: environment.interpreter,
    mounts: [],
    workingFolder: '/',
    network: 'none',
  });
  const key = layerKey({ environment, interpreter: interpreter.trim(), dependencies, lock });
  const known = await deps.layers.find(key);
  if (known !== null) {
    log.write('platform', `dependencies: unchanged, layer ${known.digest.slice(0, 12)}\n`);
    return { ...known, folder: await deps.layers.folderOf(known.digest) };
  }
  const build = await prepareFolder(workspace, lock);
  await runInSandbox(deps.sandboxes, workspace, {
    step: 'dependencies',
    command: lock === null ? environment.dependencies : (environment.dependenciesLocked ?? environment.dependencies),
    mounts: [{ source: build, target: workFolder, writable: true }],
    workingFolder: workFolder,
    network: 'outside',
  });
  const layer = await deps.layers.add(join(build, environment.dependencyFolder));
  await deps.layers.remember(key, layer);
  log.write(
    'platform',
    `dependencies: layer ${layer.digest.slice(0, 12)}, ${(layer.sizeBytes / 2 ** 20).toFixed(1)} MiB packed\n`,
  );
  return { ...layer, folder: await deps.layers.folderOf(layer.digest) };
};
