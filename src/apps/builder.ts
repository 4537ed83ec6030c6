import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createBuilder } from '../builder/create.ts';
import { readBuildEnvironments } from '../builder/read-environments.ts';
import { createLayerStore } from '../platform/blobs/layer-store.ts';
import type { Mount, SandboxDriver } from '../sandboxes/sandbox.ts';
import type { AllConfig } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import type { Role } from './role.ts';

const readOnly = (source: string, target: string): Mount => ({ source, target, writable: false });

/** Settings of the machine's package clients, so that builds reach the mirrors that the machine's owner chose. */
const clientSettings = ['/etc/pip.conf', '/etc/npmrc'];
const certificates = '/etc/ssl/certs/ca-certificates.crt';

const toolMounts = (runtimeFolder: string): readonly Mount[] => [
  readOnly(process.execPath, '/opt/node/bin/node'),
  readOnly(dirname(createRequire(import.meta.url).resolve('npm/package.json')), '/opt/npm'),
  readOnly(join(runtimeFolder, 'clients'), '/opt/millrace/clients'),
  readOnly(join(runtimeFolder, 'build-tools'), '/opt/millrace/build-tools'),
  ...clientSettings.filter(existsSync).map((file) => readOnly(file, file)),
];

const variables = {
  PATH: '/opt/millrace/build-tools:/opt/node/bin:/usr/local/bin:/usr/bin:/bin',
  HOME: '/home/algo',
  LANG: 'C.UTF-8',
  PYTHONPATH: '/opt/dependencies:/opt/millrace/clients/python',
  NODE_EXTRA_CA_CERTS: certificates,
  SSL_CERT_FILE: certificates,
  npm_config_globalconfig: '/etc/npmrc',
};

/** The builder role: turns commits into layers. */
export const createBuilderRole = async (
  foundation: Foundation,
  config: AllConfig,
  driver: SandboxDriver,
): Promise<Role> => {
  const { blobs, random, clock, dataFolder, runtimeFolder } = foundation;
  const layersFolder = join(dataFolder, 'layers');
  const builder = createBuilder({
    ...foundation,
    layers: createLayerStore({ blobs, random, folder: layersFolder }),
    environments: await readBuildEnvironments(join(runtimeFolder, 'environments')),
    workFolder: join(layersFolder, '.builds'),
    buildsAtOnce: config.MILLRACE_BUILDS_AT_ONCE,
    sandboxes: {
      driver,
      clock,
      random,
      tools: toolMounts(runtimeFolder),
      variables,
      memoryBytes: config.MILLRACE_BUILD_MEMORY_MB * 1024 * 1024,
      timeoutMs: config.MILLRACE_BUILD_STEP_TIMEOUT_S * 1000,
    },
  });
  return {
    name: 'builder',
    checks: [],
    start: async () => await builder.start(),
    stop: async () => await builder.stop(),
  };
};
