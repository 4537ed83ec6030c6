import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allConfig } from '../src/apps/configuration.ts';
import { readConfig } from '../src/platform/config/read-config.ts';
import { sandboxesConfig } from '../src/sandboxes/config.ts';
import { openEngine } from '../src/sandboxes/docker/engine.ts';
import { ensureSandboxImage, hasSandboxImage } from '../src/sandboxes/docker/image.ts';

/** Makes the image of sandboxes in the configured Docker engine. `--check` only tells by its exit code whether it is there. */

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const run = async (): Promise<number> => {
  const config = readConfig({ schemas: [sandboxesConfig], others: allConfig });
  const engine = await openEngine(config.MILLRACE_DOCKER_SOCKET);
  const wanted = config.MILLRACE_DOCKER_BASE;
  if (process.argv.includes('--check')) return (await hasSandboxImage(engine, wanted)) ? 0 : 1;
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-image-'));
  try {
    say(await ensureSandboxImage({ engine, wanted, folder, onProgress: say }));
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
