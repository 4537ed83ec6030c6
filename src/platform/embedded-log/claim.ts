import { rm, writeFile } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';
import { describeHolder, isPortFree, portHolder } from '../http/port-holder.ts';
import { type BrokerFiles, readPid } from './broker-files.ts';
import { embeddedLogErrors } from './errors.ts';
import { argumentsOf, endProcess, isRunning, markOf } from './running-process.ts';

const endPatienceMs = 5_000;

/**
 * Makes the data folder ours: ends the broker of a predecessor that was killed and left it behind.
 * @throws `EMBEDDED_LOG_IN_USE` when the predecessor still runs.
 */
export const claimFolder = async (files: BrokerFiles, clock: Clock): Promise<void> => {
  const record = await readPid(files.pid);
  if (record === undefined || !isRunning(record.broker)) return;
  const ours = argumentsOf(record.broker.pid).includes(`@${files.arguments}`);
  if (!ours) return;
  const { pid } = record.supervisor;
  if (pid !== process.pid && isRunning(record.supervisor)) {
    const message = `The log in ${files.folder} is in use by process ${pid}. Stop it, or set MILLRACE_DATA_DIR to another folder.`;
    throw embeddedLogErrors.IN_USE({ message, details: { pid } });
  }
  await endProcess(record.broker, clock, endPatienceMs);
};

/** Writes down whose broker this is, for {@link claimFolder} of a successor. */
export const recordBroker = async (files: BrokerFiles, pid: number): Promise<void> => {
  const record = { broker: markOf(pid), supervisor: markOf(process.pid) };
  await writeFile(files.pid, JSON.stringify(record));
};

/** The broker has stopped in order. */
export const forgetBroker = async (files: BrokerFiles): Promise<void> => {
  await rm(files.pid, { force: true });
};

/**
 * Checks that clients' and controller's port can be opened.
 * @throws `EMBEDDED_LOG_PORT_TAKEN`, naming who holds it.
 */
export const checkPorts = async (port: number): Promise<void> => {
  for (const taken of [port, port + 1]) {
    if (await isPortFree(taken, '127.0.0.1')) continue;
    const holder = portHolder(taken);
    const purpose = taken === port ? 'the log' : "the log's controller";
    const message = `Port ${taken} for ${purpose} is taken by ${describeHolder(holder)}. Set MILLRACE_KAFKA_PORT (the controller takes the next one), or stop it.`;
    throw embeddedLogErrors.PORT_TAKEN({ message, details: { port: taken, pid: holder?.pid } });
  }
};
