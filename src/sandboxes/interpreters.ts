import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { sandboxErrors } from './errors.ts';
import type { Mount } from './sandbox.ts';

/** Which program runs a language: `python3.12`, and the name by which commands call it: `python3`. */
export interface WantedInterpreter {
  readonly program: string;
  readonly command: string;
}

/** An interpreter of this machine, and what a sandbox needs to run it. */
export interface Interpreter {
  /** Path of the command, the same inside as outside. */
  readonly path: string;
  /** Goes in front of PATH inside; null where it is on the system's PATH anyway. */
  readonly binFolder: string | null;
  readonly mounts: readonly Mount[];
  /** Makes what is mounted readable for a sandbox. Await before each start; cheap after the first time. */
  prepare(): Promise<void>;
}

export interface Interpreters {
  /** Null: this machine has none. */
  find(wanted: WantedInterpreter): Interpreter | null;
}

export interface InterpretersDeps {
  /** Folders that hold installations, one in each subfolder, as pyenv keeps them. Missing ones are passed over. */
  readonly folders: readonly string[];
  /** Owned by this machine's processes together: links to installations that a sandbox's user could not reach. */
  readonly linksFolder: string;
  /** Whether sandboxes run under a user of their own, who has no rights on closed folders: so it is when we are root. */
  readonly separateUser: boolean;
}

const systemFolders = ['/usr/bin', '/usr/local/bin'];

const runnable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The system's, when its plain name means this very version. */
const systemInterpreter = ({ program, command }: WantedInterpreter): Interpreter | null => {
  for (const folder of systemFolders) {
    const [path, wanted] = [join(folder, command), join(folder, program)];
    if (!runnable(path) || !runnable(wanted) || realpathSync(path) !== realpathSync(wanted)) continue;
    return { path, binFolder: null, mounts: [], prepare: () => Promise.resolve() };
  }
  return null;
};

const subfolders = (folder: string): readonly string[] =>
  existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder).map((name) => join(folder, name)) : [];

const newestFirst = new Intl.Collator('en', { numeric: true });

/** The newest installation that has the program, its links resolved: an alias of pyenv is a link. */
const installationFolder = (folders: readonly string[], { program, command }: WantedInterpreter): string | null => {
  const found = folders
    .flatMap(subfolders)
    .filter((folder) => runnable(join(folder, 'bin', program)) && runnable(join(folder, 'bin', command)))
    .map((folder) => realpathSync(folder))
    .sort((a, b) => newestFirst.compare(basename(b), basename(a)));
  return found[0] ?? null;
};

/** Whether a user without any rights gets to the folder. */
const openToAll = (folder: string): boolean =>
  (statSync(folder).mode & 0o001) !== 0 && (folder === dirname(folder) || openToAll(dirname(folder)));

const run = promisify(execFile);

/** A second tree of names for the same files, in a place that is open: nobody's permissions are changed for it. */
const linkTree = async (source: string, target: string): Promise<void> => {
  if (existsSync(target)) return;
  const draft = `${target}.${process.pid}`;
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  try {
    // Links where both lie on one file system, else copies.
    await run('/bin/cp', ['-al', source, draft]).catch(async () => {
      await rm(draft, { recursive: true, force: true });
      await run('/bin/cp', ['-a', '--reflink=auto', source, draft]);
    });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (existsSync(target)) return; // another process was faster
    throw sandboxErrors.START_FAILED({
      message: `The interpreter in ${source} cannot be reached by sandboxes, and could not be linked to ${target}: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
};

const installed = (folder: string, { command }: WantedInterpreter, deps: InterpretersDeps): Interpreter => {
  const { linksFolder, separateUser } = deps;
  const reachable = !separateUser || openToAll(folder);
  const source = reachable ? folder : join(linksFolder, `${basename(folder)}-${statSync(folder).ino}`);
  let prepared: Promise<void> | null = null;
  return {
    path: join(folder, 'bin', command),
    binFolder: join(folder, 'bin'),
    // At its own place: programs and libraries of an installation name one another by full paths.
    mounts: [{ source, target: folder, writable: false }],
    prepare: async () => {
      if (reachable) return;
      prepared ??= linkTree(folder, source).catch((error: unknown) => {
        prepared = null;
        throw error;
      });
      await prepared;
    },
  };
};

/** Looks for interpreters on this machine: the system's first, then installations. Reads folders at each `find`. */
export const createInterpreters = (deps: InterpretersDeps): Interpreters => ({
  find: (wanted) => {
    const system = systemInterpreter(wanted);
    if (system !== null) return system;
    const folder = installationFolder(deps.folders, wanted);
    return folder === null ? null : installed(folder, wanted, deps);
  },
});

/** Only what the system brings. */
export const systemInterpreters: Interpreters = { find: systemInterpreter };
