import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { sandboxErrors } from '../errors.ts';
import { findProgram } from '../process/find-program.ts';
import { messageOf } from './engine.ts';

/** What the image of sandboxes can be built from where nothing can be pulled. */
const madeHere = 'millrace-base:bookworm';
const release = 'bookworm';

export const hasImage = async (engine: Docker, name: string): Promise<boolean> => {
  try {
    await engine.getImage(name).inspect();
    return true;
  } catch {
    return false;
  }
};

/** Reads the engine's account of something that takes long. Rejects with its words when it failed. */
export const followProgress = async (
  engine: Docker,
  stream: NodeJS.ReadableStream,
  onLine: (text: string) => void = () => {},
): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    const finished = (error: Error | null): void => {
      if (error === null) resolve();
      else reject(error);
    };
    engine.modem.followProgress(stream, finished, (event: { readonly stream?: string }) => {
      if (event.stream !== undefined) onLine(event.stream.trimEnd());
    });
  });
};

const pull = async (engine: Docker, name: string): Promise<string | null> => {
  try {
    await followProgress(engine, await engine.pull(name));
    return null;
  } catch (error) {
    return messageOf(error);
  }
};

const endOf = async (child: ChildProcess): Promise<number | null> =>
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });

const lastLine = (output: Readable): { readonly text: () => string } => {
  let last = '';
  createInterface({ input: output }).on('line', (line) => {
    last = line;
  });
  return { text: () => last };
};

/** A Debian system in a folder, without what it needs to boot. */
const unpackDebian = async (debootstrap: string, folder: string): Promise<void> => {
  const child = spawn(debootstrap, ['--variant=minbase', release, folder], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = [lastLine(child.stdout), lastLine(child.stderr)];
  if ((await endOf(child)) === 0) return;
  throw new Error(said.map((each) => each.text()).join('; '));
};

const importFolder = async (engine: Docker, folder: string): Promise<void> => {
  const words = ['--numeric-owner', '--exclude=./proc/*', '--exclude=./sys/*', '--exclude=./dev/*', '-C', folder];
  const tar = spawn('/bin/tar', [...words, '-c', '.'], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = endOf(tar);
  const [repo, tag] = madeHere.split(':');
  await followProgress(engine, await engine.importImage(tar.stdout, { repo, tag }));
  const code = await ended;
  if (code !== 0) throw new Error(`tar ended with ${String(code)}`);
};

/** The words of the reader's next step, where neither way leads to a base. */
const noBase = (wanted: string, refusal: string, reason: string) =>
  sandboxErrors.DRIVER_MISSING({
    message: `The image of sandboxes needs ${wanted}, which cannot be pulled (${refusal}) nor made here (${reason}). Load it into the engine, or name another Debian image in MILLRACE_DOCKER_BASE.`,
  });

const makeHere = async (engine: Docker, parent: string): Promise<void> => {
  const debootstrap = findProgram('debootstrap');
  if (debootstrap === null) throw new Error('debootstrap is not installed');
  if (process.getuid?.() !== 0) throw new Error('debootstrap needs root');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'base-'));
  try {
    await unpackDebian(debootstrap, folder);
    await importFolder(engine, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

export interface BaseImageOptions {
  readonly engine: Docker;
  /** The image that is wanted, for example `debian:bookworm-slim`. */
  readonly wanted: string;
  /** For what is unpacked on the way. */
  readonly folder: string;
  /** A part that is done, in words. */
  readonly onProgress: (text: string) => void;
}

/**
 * Name of a base that the engine has: the wanted one, pulled if need be, or one made here by debootstrap. Throws
 * `SANDBOX_DRIVER_MISSING` when there is no way to either.
 */
export const ensureBaseImage = async ({ engine, wanted, folder, onProgress }: BaseImageOptions): Promise<string> => {
  if (await hasImage(engine, wanted)) return wanted;
  const refusal = await pull(engine, wanted);
  if (refusal === null) {
    onProgress(`base image ${wanted} pulled`);
    return wanted;
  }
  if (await hasImage(engine, madeHere)) return madeHere;
  try {
    await makeHere(engine, folder);
  } catch (error) {
    throw noBase(wanted, refusal, messageOf(error));
  }
  onProgress(`base image ${madeHere} made by debootstrap, ${wanted} cannot be pulled`);
  return madeHere;
};
