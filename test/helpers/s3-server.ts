import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { freePortPair } from './free-ports.ts';
import { runProgram } from './run-program.ts';

const root = join(import.meta.dirname, '../..');
const jar = join(root, 'node_modules/.cache/s3proxy/s3proxy.jar');

/** A running S3 server that keeps its objects in memory. */
export interface S3Server {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Makes a bucket of that name. */
  makeBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Fetches S3Proxy with Maven when it is not there. */
export const prepareS3Server = async (): Promise<void> => {
  if (existsSync(jar)) return;
  await runProgram('mvn', ['-q', '-B', '-f', join(root, 'test/fixtures/s3proxy/pom.xml'), 'package']);
};

const answers = async (url: string): Promise<boolean> =>
  await fetch(url).then(
    () => true,
    () => false,
  );

/** Starts it; resolves when it answers. */
export const startS3Server = async (): Promise<S3Server> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-s3-'));
  const endpoint = `http://127.0.0.1:${await freePortPair()}`;
  const credentials = { accessKeyId: 'millrace', secretAccessKey: 'of the tests' };
  const settings = [
    `s3proxy.endpoint=${endpoint}`,
    's3proxy.authorization=aws-v4',
    `s3proxy.identity=${credentials.accessKeyId}`,
    `s3proxy.credential=${credentials.secretAccessKey}`,
    'jclouds.provider=transient',
  ];
  const file = join(folder, 's3proxy.conf');
  await writeFile(file, settings.join('\n'));
  const child = spawn('java', ['-Xmx192m', '-XX:+UseSerialGC', '-jar', jar, '--properties', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const output = text(child.stdout);
  const deadlineMs = performance.now() + 50_000;
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null) throw new Error(`S3Proxy ended: ${(await output).slice(-2000)}`);
    if (performance.now() > deadlineMs) throw new Error('S3Proxy does not answer');
    await delay(50);
  }
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  return {
    endpoint,
    credentials,
    makeBucket: async (name) => {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    },
    stop: async () => {
      client.destroy();
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
};
