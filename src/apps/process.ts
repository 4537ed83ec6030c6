import { join, resolve } from 'node:path';
import type { Logger } from '../kernel/logger.ts';
import type { KafkaConnection } from '../messaging/create.ts';
import type { Appender } from '../messaging/messaging.ts';
import { createPresence, type PresenceWriter } from '../messaging/presence.ts';
import { systemClock } from '../platform/clock.ts';
import { createOperationsListener, type OperationsListener } from '../platform/http/operations.ts';
import type { Component } from '../platform/lifecycle/supervisor.ts';
import { systemRandom } from '../platform/random.ts';
import { driverChoiceOf } from '../sandboxes/config.ts';
import { createSandboxDriver } from '../sandboxes/create.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { createBuilderRole } from './builder.ts';
import type { AllConfig } from './configuration.ts';
import { createControlRole } from './control.ts';
import { createExecutorRole } from './executor.ts';
import { type Foundation, type FoundationOptions, openFoundation } from './foundation.ts';
import { createIngressRole } from './ingress.ts';
import { type Role, type RoleName, roleNames } from './role.ts';
import { createRouterRole } from './router.ts';
import { claimRunFolder } from './run-folder.ts';

/** What a process of the platform is made of. */
export interface ProcessOptions {
  readonly config: AllConfig;
  readonly roles: readonly RoleName[];
  readonly connection: KafkaConnection;
  readonly embedded: boolean;
  readonly logger: Logger;
  readonly onFailed: (error: Error) => void;
  /** Told of what takes long on a first start, once it is there. */
  readonly onProgress?: (text: string) => void;
}

/** A process's roles, started. */
export interface RunningProcess {
  readonly foundation: Foundation;
  /** Stops the roles, last started first, then lets go of the log. */
  readonly components: readonly Component[];
  /** Address of the HTTP API, when this process has it. */
  readonly address: string | null;
  /** What runs untrusted code here, when this process does. */
  readonly driver: SandboxDriver | null;
}

const runtimeFolder = resolve(import.meta.dirname, '../../runtime');

const needsSandboxes = (roles: readonly RoleName[]): boolean => roles.includes('executor') || roles.includes('builder');

const openDriver = async (
  { config, roles, logger, onProgress = () => {} }: ProcessOptions,
  started: Component[],
): Promise<SandboxDriver | null> => {
  if (!needsSandboxes(roles)) return null;
  const claimed = await claimRunFolder(join(resolve(config.MILLRACE_DATA_DIR), 'run'), roles.join('-'));
  started.push({ name: 'run folder', start: async () => {}, stop: async () => await claimed.close() });
  const driver = await createSandboxDriver({
    ...driverChoiceOf(config),
    runFolder: claimed.folder,
    onProgress,
    clock: systemClock,
    logger,
  });
  started.push({ name: 'sandboxes', start: async () => {}, stop: async () => await driver.close() });
  return driver;
};

const createRole = async (
  name: RoleName,
  deps: {
    readonly foundation: Foundation;
    readonly config: AllConfig;
    readonly driver: SandboxDriver | null;
    readonly ownIngress: () => string | null;
  },
): Promise<Role> => {
  const { foundation, config, driver, ownIngress } = deps;
  if (name === 'control') return await createControlRole(foundation, config);
  if (name === 'router') return createRouterRole(foundation, config);
  if (name === 'ingress') return await createIngressRole(foundation, config);
  if (driver === null) throw new Error(`the ${name} role needs a sandbox driver`);
  return name === 'executor'
    ? await createExecutorRole(foundation, config, driver, ownIngress)
    : createBuilderRole(foundation, config, driver);
};

const emptyPresence = { pool: null, slots: 0, busy: 0, warm: {}, queued: 0, transactionalIds: [] };

const createProcessPresence = (
  foundation: Foundation,
  deps: {
    readonly appender: Appender;
    readonly roles: readonly Role[];
    readonly operations: OperationsListener;
    readonly startedAtMs: number;
  },
): PresenceWriter =>
  createPresence({
    ...foundation,
    appender: deps.appender,
    describe: () => ({
      process: foundation.process,
      roles: deps.roles.map((role) => role.name),
      startedAtMs: deps.startedAtMs,
      ...(deps.roles.find((role) => role.presence !== undefined)?.presence?.() ?? emptyPresence),
      endpoint: `http://127.0.0.1:${deps.operations.port()}`,
      memoryBytes: process.memoryUsage.rss(),
      lastError: null,
    }),
  });

const registryOf = (config: AllConfig): FoundationOptions['registry'] => {
  const { MILLRACE_SCHEMA_REGISTRY_URL: url, MILLRACE_SCHEMA_REGISTRY_USERNAME: username } = config;
  if (url === undefined) return null;
  const password = config.MILLRACE_SCHEMA_REGISTRY_PASSWORD?.reveal() ?? '';
  return { url, ...(username === undefined ? {} : { credentials: { username, password } }) };
};

/** Starts the roles in order, then says that the process is alive. What started is given back for stopping, also on a failure. */
export const startProcess = async (options: ProcessOptions, started: Component[]): Promise<RunningProcess> => {
  const { config, connection, logger, onFailed } = options;
  const clock = systemClock;
  const startedAtMs = Math.round(clock.nowMs());
  const foundation = await openFoundation({
    dataFolder: resolve(config.MILLRACE_DATA_DIR),
    runtimeFolder,
    connection,
    topicPrefix: config.MILLRACE_TOPIC_PREFIX,
    replicationFactor: config.MILLRACE_REPLICATION_FACTOR ?? (options.embedded ? 1 : -1),
    pools: config.MILLRACE_POOLS,
    registry: registryOf(config),
    blobs: config,
    clock,
    random: systemRandom,
    logger,
    onFailed,
  });
  started.push({ name: 'foundation', start: async () => {}, stop: async () => await foundation.close() });
  const driver = await openDriver(options, started);
  const roles: Role[] = [];
  const addressOf = (): string | null => roles.find((role) => role.address !== undefined)?.address?.() ?? null;
  for (const name of roleNames.filter((each) => options.roles.includes(each))) {
    const role = await createRole(name, { foundation, config, driver, ownIngress: addressOf });
    await role.start();
    roles.push(role);
    started.push(role);
  }
  const operations = createOperationsListener({
    host: '127.0.0.1',
    port: config.MILLRACE_OPERATIONS_PORT,
    metrics: foundation.metrics,
    checks: roles.flatMap((role) => role.checks),
    clock,
  });
  await operations.start();
  started.push(operations);
  const appender = await foundation.messaging.appender({ name: 'presence' });
  const presence = createProcessPresence(foundation, { appender, roles, operations, startedAtMs });
  presence.start();
  started.push({
    name: 'presence',
    start: async () => {},
    stop: async () => {
      await presence.stop();
      await appender.close();
    },
  });
  return { foundation, components: started, address: addressOf(), driver };
};
