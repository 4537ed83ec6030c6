import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { silentLogger } from '../../src/kernel/logger.ts';
import { createMessaging, type KafkaConnection } from '../../src/messaging/create.ts';
import type { Messaging } from '../../src/messaging/messaging.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createEmbeddedLog, type EmbeddedLog } from '../../src/platform/embedded-log/embedded-log.ts';
import { type ChaosProcess, createChaosProcess } from './chaos-process.ts';
import { runProgram } from './run-program.ts';

/** The platform with every role in a process of its own, on a broker of its own. */
export interface ChaosPlatform {
  readonly address: string;
  readonly authorization: string;
  readonly dataFolder: string;
  readonly log: EmbeddedLog;
  /** From the broker's last death until it answered again. */
  brokerDownMs(): number;
  readonly connection: KafkaConnection;
  /** An own connection to the log, to look at what is committed. */
  readonly messaging: Messaging;
  readonly control: ChaosProcess;
  readonly builder: ChaosProcess;
  readonly router: ChaosProcess;
  readonly ingress: ChaosProcess;
  readonly executors: readonly [ChaosProcess, ChaosProcess];
  /** A process of another program with the platform's variables. */
  prepare(name: string, script: string, words?: readonly string[]): ChaosProcess;
  /** Calls the API as its administrator. */
  api(method: string, path: string, options?: ApiOptions): Promise<Response>;
  /** Runs the CLI; gives what it printed. */
  cli(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, '../..');
const key = 'simChaos';

const variablesOf = ({ brokers, sasl }: KafkaConnection): Record<string, string> => ({
  MILLRACE_KAFKA_BROKERS: brokers.join(','),
  MILLRACE_KAFKA_SASL_MECHANISM: sasl?.mechanism ?? '',
  MILLRACE_KAFKA_SASL_USERNAME: sasl?.username ?? '',
  MILLRACE_KAFKA_SASL_PASSWORD: sasl?.password ?? '',
});

const startLog = async (
  place: { readonly dataFolder: string; readonly port: number },
  onUp: (downMs: number) => void,
): Promise<EmbeddedLog> => {
  const jarsFolder = join(root, '.kafka');
  const log = await createEmbeddedLog({ ...place, jarsFolder, clock: systemClock, logger: silentLogger, onUp });
  await log.start();
  return log;
};

/** Source of an algorithm that answers with its input after so long. */
const writeEcho = (folder: string, name: string, pauseS: number): string => {
  const target = join(folder, 'sources', name);
  const lines = ['import time', '', '', 'def apply(input):', `    time.sleep(${pauseS})`, '    return input', ''];
  mkdirSync(join(target, 'src'), { recursive: true });
  writeFileSync(join(target, 'millrace.yaml'), `name: ${name}\nlanguage: python3\nmemory_mb: 128\n`);
  writeFileSync(join(target, 'src', '__init__.py'), '');
  writeFileSync(join(target, 'src', `${name}.py`), lines.join('\n'));
  return target;
};

/** Starts broker and roles on `port` and the next ones, and deploys an echo and one that takes 50 ms. */
export const startChaosPlatform = async (options: { readonly port: number }): Promise<ChaosPlatform> => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
  mkdirSync(join(dataFolder, 'logs'), { recursive: true });
  let brokerDownMs = 0;
  const log = await startLog({ dataFolder, port: options.port }, (downMs) => {
    brokerDownMs = downMs;
  });
  const { mechanism, username, password } = log.sasl;
  const connection = { brokers: [...log.brokers], sasl: { mechanism, username, password: password.reveal() } };
  const httpPort = options.port + 2;
  const variables = {
    ...variablesOf(connection),
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_HTTP_PORT: String(httpPort),
    MILLRACE_ADMIN_KEY: key,
    MILLRACE_CALLS_PER_ACCOUNT_MAX: '10000',
  };
  const prepare = (name: string, script: string, words: readonly string[] = []): ChaosProcess =>
    createChaosProcess({ name, script, words, variables, logFile: join(dataFolder, 'logs', `${name}.log`) });
  const role = (name: string, roleName = name): ChaosProcess =>
    prepare(name, join(root, 'src/apps/main.ts'), [roleName]);
  const address = `http://127.0.0.1:${httpPort}`;
  const authorization = `Simple ${key}`;
  const messaging = await createMessaging({
    ...connection,
    clientId: 'chaos',
    topicPrefix: '',
    replicationFactor: 1,
    clock: systemClock,
    logger: silentLogger,
  });
  const roles = {
    control: role('control'),
    builder: role('builder'),
    router: role('router'),
    ingress: role('ingress'),
    executors: [role('executor-1', 'executor'), role('executor-2', 'executor')] as const,
  };
  const platform: ChaosPlatform = {
    ...roles,
    address,
    authorization,
    dataFolder,
    log,
    brokerDownMs: () => brokerDownMs,
    connection,
    messaging,
    prepare,
    api: async (method, path, { body, headers = {} } = {}) =>
      await fetch(`${address}${path}`, {
        method,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    cli: async (...words) =>
      await runProgram('env', [
        `MILLRACE_API=${address}`,
        `MILLRACE_API_KEY=${key}`,
        process.execPath,
        join(root, 'src/cli/main.ts'),
        ...words,
      ]),
    stop: async () => {
      await messaging.close();
      const all = [roles.ingress, roles.router, ...roles.executors, roles.builder, roles.control];
      await Promise.all(all.map(async (each) => await each.terminate()));
      await log.stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
  await roles.control.start();
  await Promise.all(
    [roles.builder, roles.router, roles.ingress, ...roles.executors].map(async (each) => await each.start()),
  );
  await platform.cli('deploy', join(root, 'bench/algorithms/echo'));
  await platform.cli('deploy', writeEcho(dataFolder, 'slow', 0.05));
  return platform;
};
