import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePortPair } from './free-ports.ts';
import { runProgram } from './run-program.ts';

const root = join(import.meta.dirname, '../..');
const jar = join(root, 'node_modules/.cache/apicurio/app/apicurio-registry-app-2.6.13.Final-runner.jar');

/** A running Apicurio Registry: the external registry of the tests. */
export interface Apicurio {
  /** Base address of its Confluent-compatible API. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Fetches Apicurio with Maven when it is not there. */
export const prepareApicurio = async (): Promise<void> => {
  if (existsSync(jar)) return;
  await runProgram('mvn', ['-q', '-B', '-f', join(root, 'test/fixtures/apicurio/pom.xml'), 'package']);
};

const answers = async (url: string): Promise<boolean> =>
  await fetch(url).then(
    (response) => response.ok,
    () => false,
  );

/** Starts it with its storage in memory; resolves when it answers. */
export const startApicurio = async (): Promise<Apicurio> => {
  const port = await freePortPair();
  const settings = { QUARKUS_HTTP_PORT: String(port), QUARKUS_HTTP_HOST: '127.0.0.1' };
  const child = spawn('java', ['-Xmx256m', '-XX:+UseSerialGC', '-jar', jar], {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const output = text(child.stdout);
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const deadlineMs = performance.now() + 50_000;
  while (!(await answers(`${url}/subjects`))) {
    if (child.exitCode !== null) throw new Error(`Apicurio ended: ${(await output).slice(-2000)}`);
    if (performance.now() > deadlineMs) throw new Error('Apicurio does not answer');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
};
