import { join } from 'node:path';
import { buildSandboxesOf } from '../builder/build-sandboxes.ts';
import { createBuilder } from '../builder/create.ts';
import { readBuildEnvironments } from '../builder/read-environments.ts';
import { createLayerStore } from '../platform/blobs/layer-store.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import type { AllConfig } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import { interpretersOf } from './interpreters.ts';
import type { Role } from './role.ts';

/** The builder role: turns commits into layers. */
export const createBuilderRole = (foundation: Foundation, config: AllConfig, driver: SandboxDriver): Role => {
  const { blobs, random, dataFolder, runtimeFolder } = foundation;
  const layersFolder = join(dataFolder, 'layers');
  const builder = createBuilder({
    ...foundation,
    layers: createLayerStore({ blobs, random, folder: layersFolder }),
    environments: readBuildEnvironments(join(runtimeFolder, 'environments'), interpretersOf(config, foundation)),
    workFolder: join(layersFolder, '.builds'),
    buildsAtOnce: config.MILLRACE_BUILDS_AT_ONCE,
    sandboxes: buildSandboxesOf({ ...foundation, driver, config }),
  });
  return {
    name: 'builder',
    checks: [],
    start: async () => await builder.start(),
    stop: async () => await builder.stop(),
  };
};
