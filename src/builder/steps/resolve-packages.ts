import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../builder.ts';
import { keyOf, type SystemLock, systemLockOf } from '../core/lock.ts';
import { runInSandbox } from '../run-in-sandbox.ts';
import { type LockedLayer, type LockedLayerDeps, lockedLayer } from './locked-layer.ts';

const workFolder = '/opt/build';
const tool = 'node /opt/millrace/build-tools/system-packages/main.mjs';

/** Goes up when the same packages are to give another tree. */
const treeVersion = 1;

export interface WantedPackages {
  /** `name` or `name=version`, sorted. */
  readonly packages: readonly string[];
  readonly given: SystemLock | null;
}

/**
 * Gives the layer of the algorithm's system packages: resolved and unpacked in sandboxes, as an ordinary user. Null when
 * it names none. Throws `BUILDER_STEP_FAILED` of the step `packages`.
 */
export const resolvePackages = async (
  deps: LockedLayerDeps,
  workspace: Workspace,
  { packages, given }: WantedPackages,
): Promise<LockedLayer<SystemLock> | null> => {
  if (packages.length === 0) return null;
  const { environment } = workspace;
  const folder = join(workspace.folder, 'packages');
  await mkdir(folder, { recursive: true });
  const run = async (command: string, network: 'none' | 'outside'): Promise<string> =>
    await runInSandbox(deps.sandboxes, workspace, {
      step: 'packages',
      command: `${tool} ${command}`,
      mounts: [...(deps.sandboxes.packageSources ?? []), { source: folder, target: workFolder, writable: true }],
      workingFolder: workFolder,
      network,
      systemLayer: null,
    });
  const lockFile = join(folder, 'lock.json');
  const base = environment.systemBase;
  const platform = (await run('platform', 'none')).trim();
  return await lockedLayer<SystemLock>(deps, workspace, {
    step: 'packages',
    given,
    resolvedKey: keyOf('system', platform, base, packages),
    resolve: async () => {
      await writeFile(join(folder, 'request.json'), JSON.stringify({ packages, base }));
      await run('resolve', 'outside');
      return systemLockOf(packages, await readFile(lockFile, 'utf8'));
    },
    layerKey: (lock) => keyOf('system', treeVersion, lock),
    install: async (lock) => {
      await writeFile(lockFile, JSON.stringify(lock));
      await run('install', 'outside');
      return join(folder, 'root');
    },
  });
};
