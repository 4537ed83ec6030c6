import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildSandboxesOf } from '../builder/build-sandboxes.ts';
import { builderConfig } from '../builder/config.ts';
import { readBuildEnvironments } from '../builder/read-environments.ts';
import { executorsConfig } from '../executors/config.ts';
import { createLocalPlatform } from '../local/create.ts';
import type { LocalPlatform } from '../local/local.ts';
import { createDirectoryBlobs } from '../platform/blobs/directory-blobs.ts';
import { systemClock } from '../platform/clock.ts';
import { platformConfig } from '../platform/config/platform.ts';
import { readConfig } from '../platform/config/read-config.ts';
import { systemRandom } from '../platform/random.ts';
import { createLogger } from '../platform/telemetry/logger.ts';
import { driverChoiceOf, sandboxesConfig } from '../sandboxes/config.ts';
import { createSandboxDriver } from '../sandboxes/create.ts';
import { allConfig, clientConfig } from './configuration.ts';
import { interpretersOf } from './interpreters.ts';
import { claimRunFolder } from './run-folder.ts';

const runtimeFolder = resolve(import.meta.dirname, '../../runtime');

/**
 * What `millrace run`, `test`, `serve` and `shell` stand on: builder, sandboxes and runners with the platform's own
 * configuration, on `local/` in the data folder. Nothing of it needs a running platform. Throws `CONFIG_INVALID` and
 * `SANDBOX_DRIVER_MISSING`.
 */
export const openLocalPlatform = async (): Promise<LocalPlatform> => {
  const schemas = [platformConfig, executorsConfig, builderConfig, sandboxesConfig, clientConfig] as const;
  const config = readConfig({ schemas, others: allConfig });
  const dataFolder = resolve(config.MILLRACE_DATA_DIR, 'local');
  await mkdir(dataFolder, { recursive: true, mode: 0o711 });
  const logger = createLogger({
    level: config.MILLRACE_LOG_LEVEL,
    name: 'local',
    destination: join(dataFolder, 'local.log'),
  });
  const claimed = await claimRunFolder(join(dataFolder, 'run'), 'local');
  const driver = await createSandboxDriver({
    ...driverChoiceOf(config),
    runFolder: claimed.folder,
    clock: systemClock,
    logger,
  });
  const system = { clock: systemClock, random: systemRandom, logger };
  const interpreters = interpretersOf(config, { dataFolder });
  const { MILLRACE_API: address, MILLRACE_API_KEY: key } = config;
  const local = await createLocalPlatform({
    ...system,
    driver,
    blobs: createDirectoryBlobs({ folder: join(dataFolder, 'blobs') }),
    dataFolder,
    runtimeFolder,
    interpreters,
    environments: readBuildEnvironments(join(runtimeFolder, 'environments'), interpreters),
    sandboxes: buildSandboxesOf({ ...system, driver, runtimeFolder, config }),
    config,
    platform: address === undefined || key === undefined ? null : { address: address.replace(/\/$/, ''), key },
  });
  return {
    ...local,
    close: async () => {
      await local.close();
      await claimed.close();
    },
  };
};
