import { join } from 'node:path';
import type { BuildEnvironment } from '../builder/builder.ts';
import type { BuildSandboxes } from '../builder/run-in-sandbox.ts';
import type { ExecutorsConfig } from '../executors/config.ts';
import { createDirectExecutor } from '../executors/direct.ts';
import { authorsAnswer, readableBody } from '../ingress/direct-door.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import { createLayerStore } from '../platform/blobs/layer-store.ts';
import type { Interpreters } from '../sandboxes/interpreters.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { createFolderBuilds } from './build-folder.ts';
import { createBuildRecords } from './build-records.ts';
import type { LocalPlatform } from './local.ts';
import { classOf } from './run-class.ts';
import { serve } from './serve/serve.ts';
import { startShell } from './shell.ts';

export interface LocalPlatformDeps {
  /** Closed with the platform. */
  readonly driver: SandboxDriver;
  readonly blobs: Blobs;
  /** Of local runs alone. */
  readonly dataFolder: string;
  readonly runtimeFolder: string;
  readonly interpreters: Interpreters;
  readonly environments: ReadonlyMap<string, BuildEnvironment>;
  readonly sandboxes: BuildSandboxes;
  readonly config: ExecutorsConfig;
  /** Where calls of other algorithms go; null: they are refused. */
  readonly platform: { readonly address: string; readonly key: string } | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Composes builder and executor as the platform does, without anything between them. */
export const createLocalPlatform = async (deps: LocalPlatformDeps): Promise<LocalPlatform> => {
  const { driver, dataFolder, runtimeFolder, blobs, random, clock } = deps;
  const layersFolder = join(dataFolder, 'layers');
  const layers = createLayerStore({ blobs, random, folder: layersFolder });
  const executor = await createDirectExecutor({ ...deps, layers, layersFolder });
  const records = createBuildRecords(join(dataFolder, 'builds'));
  const builds = createFolderBuilds({ ...deps, layers, layersFolder, records });
  const idOf = (environment: string): string => builds.environmentOf(environment).id;

  const open: LocalPlatform['open'] = async (build, options) =>
    await executor.open(classOf(build, idOf(build.source.environment), options));
  return {
    warnings: driver.enforcement.flatMap(({ what, enforced, how }) => (enforced ? [] : [`${what}: ${how}`])),
    build: builds.build,
    test: builds.test,
    open,
    startShell: async (build, shell) =>
      await startShell(executor, classOf(build, idOf(build.source.environment), shell), {
        ...shell,
        runtimeFolder,
      }),
    serve: async (options) => await serve({ build: builds.build, open, clock }, options),
    answer: (result) => authorsAnswer(result).body,
    bodyType: readableBody,
    close: async () => {
      await driver.close();
      await executor.close();
    },
  };
};
