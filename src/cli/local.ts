import { resolve } from 'node:path';
import process from 'node:process';
import { PlatformError } from '../kernel/errors.ts';
import type { LocalBuild, LocalPlatform, LocalSource, Tell } from '../local/local.ts';
import { CliError } from './cli-error.ts';
import { type Invocation, usageError } from './command.ts';
import { readManifest } from './manifest.ts';
import { packFolder } from './pack-folder.ts';
import type { Terminal } from './terminal.ts';

/** What the commands have in common that run a folder on this machine. */

/** The folder as a deploy would send it. */
export const readSource = async (folder: string): Promise<LocalSource> => {
  const { name, language } = await readManifest(folder);
  try {
    return { folder: resolve(folder), name, environment: language, archive: await packFolder(folder, 0) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`cannot read the folder ${folder}: ${reason}`);
  }
};

/** A build's or a test's lines as they come, to standard error. */
export const createTell = (terminal: Terminal): Tell => {
  let rest = '';
  return (_stream, text) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) terminal.note(terminal.dim(`  ${line}`));
  };
};

/** A folder that was built, and the platform that built it. */
export interface BuiltFolder {
  readonly local: LocalPlatform;
  readonly build: LocalBuild;
}

/** Messages of the platform are for the reader; anything else is a fault of ours and keeps its stack. */
const asCliError = (error: unknown): Error => {
  if (error instanceof PlatformError) return new CliError(error.message);
  return error instanceof Error ? error : new Error(String(error));
};

/** Aborts when `signal` does, with the exit code of a program that Ctrl-C ended. */
const interrupted = async (signal: AbortSignal): Promise<never> =>
  await new Promise((_, reject) => {
    const stop = (): void => reject(new CliError('interrupted', 130));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

/**
 * Builds the folder that `invocation.words` names and gives it to `use`; ends every sandbox afterwards, also on Ctrl-C.
 * The machinery is loaded only here: other commands start without it.
 */
export const withBuild = async (
  command: string,
  invocation: Invocation,
  use: (built: BuiltFolder) => Promise<void>,
): Promise<void> => {
  const { terminal, words, signal } = invocation;
  const [folder] = words;
  if (folder === undefined) throw usageError(command, 'DIR is missing');
  const source = await readSource(folder);
  const { openLocalPlatform } = await import('../apps/local.ts');
  const local = await openLocalPlatform().catch((error: unknown) => Promise.reject(asCliError(error)));
  const story = async (): Promise<void> => {
    const build = await local.build(source, createTell(terminal));
    await use({ local, build });
  };
  try {
    await Promise.race([story(), interrupted(signal)]);
  } catch (error) {
    throw asCliError(error);
  } finally {
    await local.close();
  }
};

/** Runs a program's exit code through: the command ends as it did. */
export const endAs = (code: number): void => {
  process.exitCode = code;
};
