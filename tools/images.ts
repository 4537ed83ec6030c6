import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureBaseImage } from '../src/sandboxes/docker/base-image.ts';
import { openEngine } from '../src/sandboxes/docker/engine.ts';

/**
 * `npm run images [NAME…]`: builds the images of compose/ from our own Dockerfiles, `millrace/NAME:dev`, in the local
 * engine. Their base is Debian's image where it can be pulled, else one that debootstrap makes. What is unchanged costs
 * nothing. MILLRACE_ variables are not read.
 */

const root = resolve(import.meta.dirname, '..');
const images = join(root, 'compose/images');
const cache = join(root, 'node_modules/.cache');
const socket = '/var/run/docker.sock';

const run = async (program: string, words: readonly string[], folder = root): Promise<void> => {
  const child = spawn(program, words, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  if (code !== 0) throw new Error(`${program} ${words.slice(0, 3).join(' ')} … ended with ${code ?? 'a signal'}`);
};

const build = async (name: string, context: string, parent: Readonly<Record<string, string>>): Promise<void> => {
  const words = Object.entries(parent).flatMap(([argument, value]) => ['--build-arg', `${argument}=${value}`]);
  await run('docker', ['build', '-q', '-t', `millrace/${name}:dev`, ...words, context]);
};

/** A folder with the image's own files and what else it is made of; gone when the work is over. */
const inContext = async (
  name: string,
  others: readonly { readonly from: string; readonly to: string }[],
  work: (folder: string) => Promise<void>,
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-image-'));
  try {
    cpSync(join(images, name), folder, { recursive: true });
    for (const { from, to } of others) {
      cpSync(from, join(folder, to), { recursive: true, filter: (path) => !path.endsWith('.jsa') });
    }
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const fetchByMaven = async (what: string, file: string): Promise<void> => {
  if (existsSync(join(cache, file))) return;
  await run('mvn', ['-q', '-B', '-f', join(root, 'test/fixtures', what, 'pom.xml'), 'package']);
};

/** The program as it is released: sources, what it mounts into sandboxes, and the packages that it needs to run. */
const buildMillrace = async (base: string): Promise<void> => {
  const parts = ['package.json', 'package-lock.json', 'bin', 'src', 'runtime', 'schemas'];
  const others = parts.map((part) => ({ from: join(root, part), to: part }));
  await inContext('millrace', others, async (folder) => {
    await run('npm', ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder);
    writeFileSync(join(folder, '.release'), `${Math.round(performance.timeOrigin).toString(36)}\n`);
    await build('millrace', folder, { BASE: base });
  });
};

/** By name, in the order in which they stand on each other. */
const builds: Readonly<Record<string, (base: string) => Promise<void>>> = {
  java: async (base) => {
    await build('java', join(images, 'java'), { BASE: base });
  },
  redis: async (base) => {
    await build('redis', join(images, 'redis'), { BASE: base });
  },
  kafka: async () => {
    await inContext('kafka', [{ from: join(root, '.kafka'), to: '.' }], async (folder) => {
      await build('kafka', folder, {});
    });
  },
  s3: async () => {
    await fetchByMaven('s3proxy', 's3proxy/s3proxy.jar');
    await inContext('s3', [{ from: join(cache, 's3proxy/s3proxy.jar'), to: 's3proxy.jar' }], async (folder) => {
      await build('s3', folder, {});
    });
  },
  registry: async () => {
    await fetchByMaven('apicurio', 'apicurio/app/apicurio-registry-app-2.6.13.Final-runner.jar');
    await inContext('registry', [{ from: join(cache, 'apicurio/app'), to: 'app' }], async (folder) => {
      await build('registry', folder, {});
    });
  },
  millrace: buildMillrace,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in builds));
if (unknown.length > 0) {
  console.error(`unknown image ${unknown.join(', ')}: one of ${Object.keys(builds).join(', ')}`);
  process.exit(2);
}
const engine = await openEngine(socket);
const base = await ensureBaseImage({
  engine,
  wanted: 'debian:bookworm-slim',
  folder: tmpdir(),
  onProgress: (text) => {
    console.log(text);
  },
});
for (const [name, make] of Object.entries(builds)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const begin = performance.now();
  await make(base);
  console.log(`millrace/${name}:dev in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}
