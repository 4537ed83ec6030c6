import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type Docker from 'dockerode';
import { sandboxErrors } from '../errors.ts';
import { type BaseImageOptions, ensureBaseImage, followProgress, hasImage } from './base-image.ts';
import { messageOf } from './engine.ts';

const dockerfile = join(import.meta.dirname, '../../../runtime/images/sandbox/Dockerfile');

const nameFor = (text: string, base: string): string =>
  `millrace-sandbox:${createHash('sha256').update(`${text}\n${base}`).digest('hex').slice(0, 12)}`;

const build = async (engine: Docker, name: string, base: string): Promise<void> => {
  const said: string[] = [];
  const context = { context: dirname(dockerfile), src: [basename(dockerfile)] };
  const options = { t: name, buildargs: { BASE: base }, rm: true, forcerm: true };
  try {
    await followProgress(engine, await engine.buildImage(context, options), (line) => said.push(line));
  } catch (error) {
    throw sandboxErrors.DRIVER_MISSING({
      message: `The image of sandboxes could not be built from ${dockerfile}: ${messageOf(error)}. ${said.slice(-3).join(' ')}`,
      cause: error,
    });
  }
};

const currentName = async (wanted: string): Promise<string> => nameFor(await readFile(dockerfile, 'utf8'), wanted);

/** Whether the engine has the image that is built from this base. */
export const hasSandboxImage = async (engine: Docker, wanted: string): Promise<boolean> =>
  await hasImage(engine, await currentName(wanted));

/**
 * Name of the image that sandboxes are started from, built if the engine does not have it: the name tells the Dockerfile
 * and the base. May be called concurrently; throws `SANDBOX_DRIVER_MISSING`.
 */
export const ensureSandboxImage = async (options: BaseImageOptions): Promise<string> => {
  const { engine, wanted, onProgress } = options;
  const name = await currentName(wanted);
  if (await hasImage(engine, name)) return name;
  await build(engine, name, await ensureBaseImage(options));
  onProgress(`image ${name} built`);
  return name;
};
