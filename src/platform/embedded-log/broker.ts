import { type Clock, sleep } from '../../kernel/clock.ts';
import { type BrokerFiles, lastLines, writePrivate } from './broker-files.ts';
import { type BrokerExit, type BrokerProcess, startBrokerProcess } from './broker-process.ts';
import { forgetBroker, recordBroker } from './claim.ts';
import { type ClassArchive, classArchive } from './class-archive.ts';
import type { EmbeddedLogCredentials } from './credentials.ts';
import { embeddedLogErrors } from './errors.ts';
import { argumentFile } from './java-command.ts';
import { askReadiness } from './readiness.ts';
import { serverProperties } from './server-properties.ts';

export interface BrokerOptions {
  readonly files: BrokerFiles;
  readonly port: number;
  readonly jars: readonly string[];
  readonly credentials: EmbeddedLogCredentials;
  readonly clock: Clock;
  readonly heapMb: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** One broker that can be started again after it ended. */
export interface Broker {
  /**
   * Starts the process and waits until it answers; a start that fails or is aborted leaves no process behind.
   * @throws `EMBEDDED_LOG_START_FAILED` with what Kafka printed last; `EMBEDDED_LOG_CREDENTIALS_LOST`.
   */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves when the process that was started last has ended. */
  exited(): Promise<BrokerExit>;
  /** Stops in order, by force after the time allowed. Does nothing when none runs. */
  stop(): Promise<void>;
  pid(): number | undefined;
}

const probeEveryMs = 50;
/** A broker that has not yet read its users refuses everybody; one that goes on doing so means it. */
const refusalsMax = 20;

const prepare = async (options: BrokerOptions): Promise<ClassArchive> => {
  const { files, port, credentials, jars } = options;
  const archive = classArchive(jars, `${process.pid}-${port}`);
  await writePrivate(files.properties, serverProperties({ port, dataFolder: files.data, credentials }));
  const program = {
    jars,
    logFile: files.log,
    heapMb: options.heapMb,
    flags: archive.flags,
    mainClass: 'kafka.Kafka',
    arguments: [files.properties],
  };
  await writePrivate(files.arguments, argumentFile(program));
  return archive;
};

const startFailed = async (options: BrokerOptions, what: string): Promise<Error> => {
  const { output, log } = options.files;
  const printed = (await lastLines(output, 3)) || (await lastLines(log, 3));
  return embeddedLogErrors.START_FAILED({ message: `The log ${what}. It says in ${output} or ${log}: ${printed}` });
};

const refused = (files: BrokerFiles): Error => {
  const message = `The log refuses the password in ${files.folder}/credentials: its data was made with another one. Restore that file, or remove ${files.folder}, and with it all data of the log.`;
  return embeddedLogErrors.CREDENTIALS_LOST({ message });
};

const waitUntilReady = async (options: BrokerOptions, child: BrokerProcess, signal: AbortSignal): Promise<void> => {
  const { clock, startTimeoutMs, port, credentials } = options;
  const untilMs = clock.monotonicMs() + startTimeoutMs;
  let refusals = 0;
  while (!signal.aborted) {
    const readiness = await askReadiness(port, credentials);
    if (readiness === 'ready') return;
    refusals = readiness === 'refused' ? refusals + 1 : 0;
    if (refusals > refusalsMax) throw refused(options.files);
    if (child.hasExited()) throw await startFailed(options, 'ended while starting');
    if (clock.monotonicMs() > untilMs) throw await startFailed(options, `did not answer within ${startTimeoutMs} ms`);
    await sleep(clock, probeEveryMs, signal);
  }
  throw embeddedLogErrors.START_FAILED({ message: 'The log was stopped while it was starting.' });
};

const end = async (child: BrokerProcess, clock: Clock, patienceMs: number): Promise<void> => {
  child.kill('SIGTERM');
  const cancel = clock.after(patienceMs, () => {
    child.kill('SIGKILL');
  });
  await child.exited;
  cancel();
};

/** Makes a broker of a formatted folder. */
export const createBroker = (options: BrokerOptions): Broker => {
  const { files, clock } = options;
  let running: BrokerProcess | undefined;
  let archive: ClassArchive | undefined;
  return {
    start: async (signal) => {
      archive = await prepare(options);
      const child = await startBrokerProcess(files);
      try {
        await recordBroker(files, child.pid);
        await waitUntilReady(options, child, signal);
      } catch (error) {
        child.kill('SIGKILL');
        await child.exited;
        throw error;
      }
      running = child;
    },
    exited: async () => {
      if (running === undefined) return { code: 0, signal: null };
      return await running.exited;
    },
    stop: async () => {
      if (running !== undefined) await end(running, clock, options.stopTimeoutMs);
      await archive?.keep();
      await forgetBroker(files);
    },
    pid: () => (running?.hasExited() === false ? running.pid : undefined),
  };
};
