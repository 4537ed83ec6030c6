import { type Clock, sleep } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { Secret } from '../config/secret.ts';
import type { Component } from '../lifecycle/supervisor.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Broker, createBroker } from './broker.ts';
import { brokerFiles, makeFolders } from './broker-files.ts';
import type { BrokerExit } from './broker-process.ts';
import { checkPorts, claimFolder } from './claim.ts';
import { ensureCredentials } from './credentials.ts';
import { ensureFormatted } from './format.ts';
import { findJars } from './java-command.ts';

export interface EmbeddedLogOptions {
  /** The platform's data folder; the log lives in `kafka/` of it and writes its own warnings to `logs/kafka.log`. */
  readonly dataFolder: string;
  /** Port for clients on 127.0.0.1; the controller takes the next one. */
  readonly port: number;
  /** Folder of Kafka's artefacts, as `bin/setup.mjs` fetches them. */
  readonly jarsFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Largest Java heap; the process takes about 100 MB on top. Default 256. */
  readonly heapMb?: number;
  /** How long the broker may take to answer: recovery after a crash reads the last segments. Default 120,000. */
  readonly startTimeoutMs?: number;
  /** How long the broker may take to stop before it is killed. Default 10,000. */
  readonly stopTimeoutMs?: number;
  /** The broker died, and is being restarted. */
  readonly onDown?: (exit: BrokerExit) => void;
  /** It is back. */
  readonly onUp?: (downMs: number) => void;
  /** It could not be brought back; no further attempt is made. A process that needs the log should end. */
  readonly onLost?: (error: unknown) => void;
}

/** A supervised Apache Kafka on this machine. */
export interface EmbeddedLog extends Component {
  /** `host:port`, for clients. */
  readonly brokers: readonly string[];
  /** The platform's own principal, which may do everything. */
  readonly sasl: { readonly mechanism: 'SCRAM-SHA-512'; readonly username: string; readonly password: Secret };
  /** Process id of the broker; undefined while it is down. */
  pid(): number | undefined;
  /**
   * Ends an orphan of a killed predecessor, formats the folder when it is new, starts the broker and waits until it answers.
   * @throws `EMBEDDED_LOG_PORT_TAKEN`, `_IN_USE`, `_NOT_INSTALLED`, `_FORMAT_FAILED`, `_START_FAILED`.
   */
  start(): Promise<void>;
}

const attemptsMax = 8;
const settledMs = 60_000;
const backoffMs = (attempt: number): number => Math.min(5_000, attempt === 1 ? 0 : 250 * 2 ** attempt);

// A call, because the compiler takes a property that was false before an await to be false after it.
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

interface Supervision {
  readonly options: EmbeddedLogOptions;
  readonly broker: Broker;
  readonly signal: AbortSignal;
  readonly restarts: () => void;
}

/** Starts the broker again and again until it answers. @throws the last attempt's error when it gives up. */
const restart = async (supervision: Supervision, deaths: number): Promise<void> => {
  const { options, broker, signal } = supervision;
  for (let attempt = deaths; ; attempt += 1) {
    await sleep(options.clock, backoffMs(attempt), signal);
    if (signal.aborted) return;
    supervision.restarts();
    try {
      await broker.start(signal);
      return;
    } catch (error) {
      if (isAborted(signal)) return;
      if (attempt >= attemptsMax) throw error;
    }
  }
};

/** Watches the broker until `signal` aborts or it cannot be brought back. Deaths soon after a start count as one row. */
const supervise = async (supervision: Supervision): Promise<void> => {
  const { options, broker, signal } = supervision;
  const { clock, logger } = options;
  let deaths = 0;
  while (!signal.aborted) {
    const upSinceMs = clock.monotonicMs();
    const exit = await broker.exited();
    if (isAborted(signal)) return;
    const downSinceMs = clock.monotonicMs();
    deaths = downSinceMs - upSinceMs > settledMs ? 1 : deaths + 1;
    logger.warn({ event: 'embedded-log.died', ...exit, deaths });
    options.onDown?.(exit);
    await restart(supervision, deaths);
    if (broker.pid() === undefined) return;
    const downMs = Math.round(clock.monotonicMs() - downSinceMs);
    logger.warn({ event: 'embedded-log.back', downMs });
    options.onUp?.(downMs);
  }
};

/** Starts a supervision and turns its failure into `onLost`. Resolves when it is over. */
const runSupervision = async (supervision: Supervision): Promise<void> => {
  const { logger, onLost } = supervision.options;
  try {
    await supervise(supervision);
  } catch (err) {
    logger.error({ event: 'embedded-log.lost', err });
    onLost?.(err);
  }
};

const meter = (metrics: Metrics | undefined, broker: Broker): (() => void) => {
  if (metrics === undefined) return () => {};
  const up = metrics.gauge({
    name: 'millrace_embedded_log_up',
    help: 'Whether the embedded broker runs and answered.',
  });
  metrics.beforeRead(() => {
    up.set(broker.pid() === undefined ? 0 : 1);
  });
  const restarts = metrics.counter({
    name: 'millrace_embedded_log_restarts_total',
    help: 'Restarts after a death of the broker.',
  });
  return () => {
    restarts.inc();
  };
};

/**
 * Prepares the embedded log of a data folder: reads or makes its credentials. Nothing runs before `start`.
 * @throws `EMBEDDED_LOG_CREDENTIALS_LOST`; `EMBEDDED_LOG_NOT_INSTALLED` when the artefacts are missing.
 */
export const createEmbeddedLog = async (options: EmbeddedLogOptions): Promise<EmbeddedLog> => {
  const { port, clock } = options;
  const files = brokerFiles(options.dataFolder);
  const jars = findJars(options.jarsFolder);
  await makeFolders(files);
  const credentials = await ensureCredentials(files.folder);
  const broker = createBroker({
    files,
    port,
    jars,
    credentials,
    clock,
    heapMb: options.heapMb ?? 256,
    startTimeoutMs: options.startTimeoutMs ?? 120_000,
    stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
  });
  const stopping = new AbortController();
  const supervision: Supervision = {
    options,
    broker,
    signal: stopping.signal,
    restarts: meter(options.metrics, broker),
  };
  let supervised: Promise<void> = Promise.resolve();
  return {
    name: 'log',
    brokers: [`127.0.0.1:${port}`],
    sasl: { mechanism: 'SCRAM-SHA-512', username: credentials.username, password: new Secret(credentials.password) },
    pid: () => broker.pid(),
    start: async () => {
      await claimFolder(files, clock);
      await checkPorts(port);
      await ensureFormatted({ files, port, jars, credentials });
      await broker.start(stopping.signal);
      supervised = runSupervision(supervision);
    },
    stop: async () => {
      stopping.abort();
      await broker.stop();
      await supervised;
    },
  };
};
