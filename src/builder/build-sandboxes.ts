import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Static } from 'typebox';
import type { Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import type { Mount, SandboxDriver } from '../sandboxes/sandbox.ts';
import type { builderConfig } from './config.ts';
import type { BuildSandboxes } from './run-in-sandbox.ts';

const readOnly = (source: string, target: string): Mount => ({ source, target, writable: false });

/** Settings of the machine's package clients, so that builds reach the mirrors that the machine's owner chose. */
const clientSettings = ['/etc/pip.conf', '/etc/npmrc'];
/** The system's package sources and what it has installed: a layer of packages is laid over this very system. */
const packageSources = ['/etc/apt', '/var/lib/dpkg/status'];
const certificates = '/etc/ssl/certs/ca-certificates.crt';

const sameInside = (files: readonly string[]): readonly Mount[] =>
  files.filter((file) => existsSync(file)).map((file) => readOnly(file, file));

const toolMounts = (runtimeFolder: string): readonly Mount[] => [
  readOnly(process.execPath, '/opt/node/bin/node'),
  readOnly(dirname(createRequire(import.meta.url).resolve('npm/package.json')), '/opt/npm'),
  readOnly(join(runtimeFolder, 'clients'), '/opt/millrace/clients'),
  readOnly(join(runtimeFolder, 'build-tools'), '/opt/millrace/build-tools'),
  ...sameInside(clientSettings),
];

const variables = {
  PATH: '/opt/millrace/build-tools:/opt/node/bin:/usr/local/bin:/usr/bin:/bin',
  HOME: '/home/algo',
  LANG: 'C.UTF-8',
  NODE_EXTRA_CA_CERTS: certificates,
  SSL_CERT_FILE: certificates,
  npm_config_globalconfig: '/etc/npmrc',
};

export interface BuildSandboxesOptions {
  readonly driver: SandboxDriver;
  readonly clock: Clock;
  readonly random: Random;
  /** Folder `runtime/` of this release. */
  readonly runtimeFolder: string;
  readonly config: Static<typeof builderConfig>;
}

/** The sandboxes of builds on this machine: Node, npm, the clients, and the settings of its package clients. */
export const buildSandboxesOf = ({
  driver,
  clock,
  random,
  runtimeFolder,
  config,
}: BuildSandboxesOptions): BuildSandboxes => ({
  driver,
  clock,
  random,
  tools: toolMounts(runtimeFolder),
  variables,
  memoryBytes: config.MILLRACE_BUILD_MEMORY_MB * 1024 * 1024,
  timeoutMs: config.MILLRACE_BUILD_STEP_TIMEOUT_S * 1000,
  // In a container the image's own count.
  packageSources: driver.name === 'docker' ? [] : sameInside(packageSources),
});
