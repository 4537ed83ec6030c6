import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sleep } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { KafkaConnection } from '../messaging/create.ts';
import { systemClock } from '../platform/clock.ts';
import { createEmbeddedLog } from '../platform/embedded-log/embedded-log.ts';
import { requireFreePort } from '../platform/http/listen.ts';
import { createLogger } from '../platform/telemetry/logger.ts';
import { ensureAdminKey } from './admin-key.ts';
import { type Announcer, createAnnouncer, describeEnforcement } from './announce.ts';
import { createRoleProcess } from './child-process.ts';
import { type AllConfig, readAllConfig } from './configuration.ts';
import { connectionVariables, embeddedConnection, externalConnection } from './connection.ts';
import { createLifespan, type Lifespan } from './lifespan.ts';
import { type RunningProcess, startProcess } from './process.ts';

/**
 * `millrace up`: the whole platform on this machine. This process runs control, builder, router and ingress and watches
 * over the embedded log and the executors, which are processes of their own, one for each pool.
 */

interface Up {
  readonly config: AllConfig;
  readonly dataFolder: string;
  readonly logger: Logger;
  readonly lifespan: Lifespan;
  readonly announcer: Announcer;
}

const openLog = async ({ config, dataFolder, logger, lifespan, announcer }: Up): Promise<KafkaConnection> => {
  if (config.MILLRACE_KAFKA_BROKERS.length > 0) {
    announcer.done('log', `Apache Kafka at ${config.MILLRACE_KAFKA_BROKERS.join(',')}`);
    return await externalConnection(config);
  }
  const log = await createEmbeddedLog({
    dataFolder,
    port: config.MILLRACE_KAFKA_PORT,
    jarsFolder: resolve(import.meta.dirname, '../../.kafka'),
    clock: systemClock,
    logger,
    onLost: (error) => lifespan.fail(error instanceof Error ? error : new Error(String(error))),
  });
  await log.start();
  lifespan.started.push(log);
  announcer.done('log', `Apache Kafka on ${log.brokers.join(',')}, SASL, ACLs`);
  return embeddedConnection(log);
};

/** Leaves the address where the CLI of this machine looks for it. */
const publishAddress = ({ dataFolder, lifespan }: Up, address: string): void => {
  const file = join(dataFolder, 'address');
  writeFileSync(file, `${address}\n`);
  lifespan.started.push({ name: 'address', start: async () => {}, stop: async () => await rm(file, { force: true }) });
};

const heardWithinMs = 10_000;
const lookEveryMs = 20;

/** Who is told that the platform is ready may call at once: until an executor was heard of, its calls were refused. */
const heardOfExecutors = async ({ foundation }: RunningProcess, pools: readonly string[]): Promise<void> => {
  const untilMs = systemClock.monotonicMs() + heardWithinMs;
  const heard = (pool: string): boolean => foundation.presence.liveIn('executor', pool).length > 0;
  while (!pools.every(heard) && systemClock.monotonicMs() < untilMs) await sleep(systemClock, lookEveryMs);
};

/** An address that listens everywhere is reached here too. */
const reachable = (address: string): string =>
  address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//:::', '//127.0.0.1:');

const start = async (up: Up): Promise<string> => {
  const { config, dataFolder, logger, lifespan, announcer } = up;
  announcer.heading('platform', `data in ${config.MILLRACE_DATA_DIR}`);
  await requireFreePort({
    host: config.MILLRACE_HTTP_HOST,
    port: config.MILLRACE_HTTP_PORT,
    variable: 'MILLRACE_HTTP_PORT',
  });
  const connection = await openLog(up);
  const placeOfExecutors = lifespan.started.length;
  const embedded = config.MILLRACE_KAFKA_BROKERS.length === 0;
  const roles = ['control', 'builder', 'router', 'ingress'] as const;
  const running = await startProcess(
    {
      config,
      roles,
      connection,
      embedded,
      logger,
      onFailed: lifespan.fail,
      onProgress: (text) => announcer.done('sandboxes', text),
    },
    lifespan.started,
  );
  const ingressUrl =
    config.MILLRACE_INGRESS_URL === undefined ? { MILLRACE_INGRESS_URL: reachable(running.address ?? '') } : {};
  const executors = config.MILLRACE_POOLS.map((pool) =>
    createRoleProcess({
      role: 'executor',
      logFile: join(dataFolder, 'logs', `executor-${pool}.log`),
      variables: {
        ...connectionVariables(connection),
        MILLRACE_OPERATIONS_PORT: '0',
        MILLRACE_POOL: pool,
        ...ingressUrl,
      },
      clock: systemClock,
      logger,
      onFailed: lifespan.fail,
    }),
  );
  for (const executor of executors) {
    await executor.start();
    // Stopped after the roles: the doors close first, and what waits behind them is still answered.
    lifespan.started.splice(placeOfExecutors, 0, executor);
  }
  await heardOfExecutors(running, config.MILLRACE_POOLS);
  announcer.done('roles', [...roles, 'executor'].join(' '));
  if (running.driver !== null)
    announcer.done('sandboxes', describeEnforcement(running.driver.name, running.driver.enforcement));
  for (const each of running.foundation.mismatches) {
    announcer.done('topics', `${each.topic}: ${each.property} is ${each.actual}, declared ${each.declared}`);
  }
  const address = running.address ?? '';
  publishAddress(up, address);
  return address;
};

const run = async (): Promise<number> => {
  const config = readAllConfig();
  const dataFolder = resolve(config.MILLRACE_DATA_DIR);
  mkdirSync(join(dataFolder, 'logs'), { recursive: true, mode: 0o711 });
  const logger = createLogger({
    level: config.MILLRACE_LOG_LEVEL,
    name: 'millrace',
    destination: join(dataFolder, 'logs', 'millrace.log'),
  });
  const lifespan = createLifespan({ logger, clock: systemClock });
  const announcer = createAnnouncer(() => systemClock.monotonicMs());
  try {
    const address = await start({ config, dataFolder, logger, lifespan, announcer });
    const key = await ensureAdminKey(config);
    logger.info({ event: 'platform.ready', address });
    if (process.send === undefined) process.stderr.write(`\nready    ${address}      key ${key}\n`);
    else
      process.send({
        event: 'ready',
        address,
        key,
        user: config.MILLRACE_ADMIN_USER,
        dataFolder: config.MILLRACE_DATA_DIR,
      });
    return await lifespan.ended;
  } finally {
    await lifespan.stop();
  }
};

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
