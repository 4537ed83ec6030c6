import { systemClock } from '../platform/clock.ts';
import { createLogger } from '../platform/telemetry/logger.ts';
import { readAllConfig } from './configuration.ts';
import { externalConnection } from './connection.ts';
import { createLifespan } from './lifespan.ts';
import { startProcess } from './process.ts';
import { type RoleName, roleNames } from './role.ts';

/** `node src/apps/main.ts ROLE…`: a process with these roles, against the cluster that the configuration names. */

const isRole = (name: string): name is RoleName => roleNames.some((role) => role === name);

const readRoles = (): readonly RoleName[] => {
  const words = process.argv.slice(2);
  const roles = words.filter(isRole);
  if (roles.length > 0 && roles.length === words.length) return roles;
  process.stderr.write(`usage: node src/apps/main.ts ROLE…   roles: ${roleNames.join(', ')}\n`);
  process.exit(2);
};

const run = async (): Promise<number> => {
  const roles = readRoles();
  const config = readAllConfig();
  if (config.MILLRACE_KAFKA_BROKERS.length === 0) {
    process.stderr.write(
      'MILLRACE_KAFKA_BROKERS is not set: a role of its own needs the cluster; `millrace up` starts an embedded one\n',
    );
    return 2;
  }
  const logger = createLogger({ level: config.MILLRACE_LOG_LEVEL, name: roles.join('+') });
  const lifespan = createLifespan({ logger, clock: systemClock });
  try {
    const connection = await externalConnection(config);
    const running = await startProcess(
      { config, roles, connection, embedded: false, logger, onFailed: lifespan.fail },
      lifespan.started,
    );
    logger.info({ event: 'process.ready', process: running.foundation.process, roles, address: running.address });
    process.send?.({ event: 'ready', address: running.address });
    return await lifespan.ended;
  } finally {
    await lifespan.stop();
  }
};

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
