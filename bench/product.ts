import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BrokerAccess } from './floor.ts';

/** The product as `millrace up` starts it, in a data folder of the bench. */
export interface Product {
  readonly address: string;
  readonly authorization: string;
  readonly access: BrokerAccess;
  readonly dataFolder: string;
  readonly pid: number;
  /** Seconds after which its idle sandboxes end. */
  readonly idleExpiryS: number;
  /** What another process of the same installation is started with, beside the address of the log. */
  readonly variables: Readonly<Record<string, string>>;
  /** Runs the CLI against it; gives its standard output. */
  cli(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, '..');
const key = 'simBench';

const exitOf = async (child: ChildProcess): Promise<number | null> =>
  await new Promise((settle, reject) => {
    child.once('error', reject);
    child.once('exit', settle);
  });

const runCli = async (address: string, words: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...words], {
    cwd: root,
    env: { PATH: process.env['PATH'], MILLRACE_API: address, MILLRACE_API_KEY: key },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`millrace ${words.join(' ')} ended with ${code ?? 'a signal'}`);
  return output;
};

/** Starts the platform on ports of its own. Resolves when it is ready. */
export const startProduct = async (options: {
  readonly dataFolder: string;
  readonly httpPort: number;
  readonly kafkaPort: number;
  readonly variables?: Readonly<Record<string, string>>;
}): Promise<Product> => {
  const { dataFolder, httpPort, kafkaPort } = options;
  const idleExpiryS = 20;
  const variables = {
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_ADMIN_KEY: key,
    MILLRACE_CALLS_PER_ACCOUNT_MAX: '10000',
    MILLRACE_IDLE_EXPIRY_S: String(idleExpiryS),
    // As many runners as the floor has.
    MILLRACE_SLOTS: '2',
    ...options.variables,
  };
  const child = spawn(process.execPath, [join(root, 'src/apps/all.ts')], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      ...variables,
      MILLRACE_HTTP_PORT: String(httpPort),
      MILLRACE_KAFKA_PORT: String(kafkaPort),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ready = await new Promise<{ readonly address: string }>((settle, reject) => {
    child.once('message', (message) => settle(message as { readonly address: string }));
    child.once('exit', (code) => reject(new Error(`the platform ended with ${code ?? 'a signal'}`)));
  });
  const credentials = JSON.parse(readFileSync(join(dataFolder, 'kafka', 'credentials'), 'utf8')) as {
    readonly username: string;
    readonly password: string;
  };
  return {
    address: ready.address,
    authorization: `Simple ${key}`,
    access: { broker: `127.0.0.1:${kafkaPort}`, ...credentials },
    dataFolder,
    pid: child.pid ?? 0,
    idleExpiryS,
    variables,
    cli: async (...words) => await runCli(ready.address, words),
    stop: async () => {
      const exited = exitOf(child);
      child.kill('SIGTERM');
      await exited;
    },
  };
};
