import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sandboxErrors } from '../errors.ts';
import { execute } from '../process/execute.ts';
import { findProgram } from '../process/find-program.ts';
import type { Mount } from '../sandbox.ts';

/**
 * Mounts in sandboxes that run already. A sandbox gets its mounts before its namespace is closed, but what is mounted
 * later below a shared mount still spreads to the sandboxes that were given a folder of it. So an adoptable sandbox sees
 * empty folders of such a mount, and adopting it means to mount the layers onto these, from outside.
 *
 * All this happens in a mount namespace of its own, kept by a process that ends with ours: the host sees none of these
 * mounts, and none is left behind when we are killed.
 */
export interface Adoption {
  /** Words before a command that is to run in this namespace: adoptable sandboxes are started in it. */
  readonly entrance: readonly string[];
  /** Ends the keeper of the namespace. May be called twice. */
  close(): void;
  /** Makes the folders at which something can be mounted later. */
  reserve(id: string, targets: readonly string[]): Promise<Reserved>;
}

export interface Reserved {
  /** The empty folders, to be mounted when the sandbox starts. */
  readonly mounts: readonly Mount[];
  /**
   * Mounts these, read-only, at reserved targets or inside what stands at one already. Resolves when the namespace of
   * process `pid` has them. Throws `SANDBOX_START_FAILED`.
   */
  mount(mounts: readonly Mount[], pid: number): Promise<void>;
  /** Takes everything back. Never rejects. */
  remove(): Promise<void>;
}

/** Commands that change the mounts of the namespace. */
interface Programs {
  readonly mount: readonly string[];
  readonly umount: readonly string[];
}

const mustRun = async (command: readonly string[]): Promise<void> => {
  const { code, output } = await execute(command);
  if (code !== 0) throw sandboxErrors.START_FAILED({ message: `${command.join(' ')} failed: ${output}` });
};

/**
 * A mount keeps the flags of the mount that it is made from, and only those it is made with spread. So layers are taken
 * from a read-only mount of the folder that they lie in, made once.
 */
class ReadOnlyFolders {
  readonly #programs: Programs;
  readonly #folder: string;
  readonly #made = new Map<string, Promise<string>>();

  constructor(programs: Programs, folder: string) {
    this.#programs = programs;
    this.#folder = folder;
  }

  async pathOf(source: string): Promise<string> {
    const parent = dirname(source);
    const made = this.#made.get(parent) ?? this.#make(parent, join(this.#folder, `${this.#made.size}`));
    this.#made.set(parent, made);
    return join(await made, basename(source));
  }

  async #make(parent: string, place: string): Promise<string> {
    try {
      await mkdir(place, { recursive: true });
      await mustRun([...this.#programs.mount, '--bind', '-o', 'ro,nosuid,nodev', parent, place]);
      return place;
    } catch (error) {
      this.#made.delete(parent);
      throw error;
    }
  }
}

class ReservedFolders implements Reserved {
  readonly mounts: readonly Mount[];
  readonly #programs: Programs;
  readonly #sources: ReadOnlyFolders;
  readonly #folder: string;
  readonly #mounted: string[] = [];
  #removed = false;

  constructor(programs: Programs, sources: ReadOnlyFolders, folder: string, targets: readonly string[]) {
    this.#programs = programs;
    this.#sources = sources;
    this.#folder = folder;
    this.mounts = targets.map((target, n) => ({ source: join(folder, `${n}`), target, writable: false }));
  }

  async make(): Promise<void> {
    await mkdir(this.#folder, { mode: 0o755 });
    for (const { source } of this.mounts) await mkdir(source, { mode: 0o755 });
  }

  async mount(mounts: readonly Mount[], pid: number): Promise<void> {
    try {
      await this.#mountAll(mounts, pid);
    } finally {
      // The sandbox ended meanwhile.
      if (this.#removed) await this.remove();
    }
  }

  async #mountAll(mounts: readonly Mount[], pid: number): Promise<void> {
    for (const { source, target } of mounts) {
      const place = this.#placeOf(target);
      await mustRun([...this.#programs.mount, '--bind', await this.#sources.pathOf(source), place]);
      this.#mounted.unshift(place);
    }
    const missing = await notMounted(mounts, pid);
    if (missing.length === 0) return;
    throw sandboxErrors.START_FAILED({ message: `Mounts do not reach a running sandbox here: ${missing.join(', ')}.` });
  }

  async remove(): Promise<void> {
    this.#removed = true;
    if (this.#mounted.length > 0) await execute([...this.#programs.umount, '-l', ...this.#mounted]);
    // Not recursively: should a layer still be mounted, it is not ours to delete.
    for (const { source } of this.mounts) await rmdir(source).catch(ignore);
    await rmdir(this.#folder).catch(ignore);
  }

  #placeOf(target: string): string {
    const outer = this.mounts.find((each) => target === each.target || target.startsWith(`${each.target}/`));
    if (outer === undefined) {
      throw sandboxErrors.START_FAILED({ message: `Nothing can be mounted at ${target}: it was not reserved.` });
    }
    return outer.source + target.slice(outer.target.length);
  }
}

const ignore = (): void => {};

/** Targets at which the process sees something else than what should be mounted there. */
const notMounted = async (mounts: readonly Mount[], pid: number): Promise<readonly string[]> => {
  const missing: string[] = [];
  for (const { source, target } of mounts) {
    const [wanted, seen] = await Promise.all([stat(source), stat(`/proc/${pid}/root${target}`)]);
    if (wanted.dev !== seen.dev || wanted.ino !== seen.ino) missing.push(target);
  }
  return missing;
};

/** Private first: what is mounted here must not spread to whoever shares the mount that the folder lies in. */
const keep = `
mount --bind "$1" "$1" && mount --make-private "$1" && mount --make-shared "$1" && echo kept && read -r end
`;

/** Starts the process that keeps the namespace; it ends when its stdin does. Null where no namespace can be made. */
const startKeeper = async (shared: string): Promise<ChildProcess | null> => {
  const words = ['--mount', '--propagation', 'slave', '--', '/bin/sh', '-c', keep, 'sh', shared];
  const keeper = spawn('/usr/bin/unshare', words, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
    // Out of the terminal's group: while we end in order after a Ctrl-C, it is still needed.
    detached: true,
  });
  const kept = await new Promise<boolean>((resolve) => {
    keeper.stdout.once('data', () => {
      resolve(true);
    });
    keeper.once('error', () => {
      resolve(false);
    });
    keeper.once('close', () => {
      resolve(false);
    });
  });
  keeper.stdin.on('error', ignore);
  keeper.stdout.destroy();
  keeper.unref();
  return kept ? keeper : null;
};

/** The folder whose mounts spread to sandboxes; null where nobody but root could mount there. */
const makeSharedFolder = async (folder: string): Promise<string | null> => {
  if (process.getuid?.() !== 0) return null;
  const shared = join(folder, 'shared');
  await mkdir(shared, { recursive: true });
  for (const each of [folder, shared]) await chmod(each, 0o711);
  return shared;
};

const reserveWith = (programs: Programs, folder: string): Adoption['reserve'] => {
  const sources = new ReadOnlyFolders(programs, join(folder, 'sources'));
  return async (id, targets) => {
    const reserved = new ReservedFolders(programs, sources, join(folder, 'shared', id), targets);
    await reserved.make();
    return reserved;
  };
};

/** Makes the namespace, with its places in `folder`; null where that is not possible: only root may, and not everywhere. */
export const prepareAdoption = async (folder: string): Promise<Adoption | null> => {
  const [mount, umount, nsenter] = ['mount', 'umount', 'nsenter'].map(findProgram);
  if (mount == null || umount == null || nsenter == null) return null;
  const shared = await makeSharedFolder(folder);
  const keeper = shared === null ? null : await startKeeper(shared);
  if (keeper?.pid === undefined) return null;
  const entrance = [nsenter, `--mount=/proc/${keeper.pid}/ns/mnt`, '--'];
  return {
    entrance,
    reserve: reserveWith({ mount: [...entrance, mount], umount: [...entrance, umount] }, folder),
    close: () => {
      keeper.kill('SIGKILL');
    },
  };
};

/**
 * As `prepareAdoption`, for sandboxes that another process starts: the mounts are made in our own namespace, where that
 * process can see them. What a killed predecessor left mounted is for `removeLeftovers`.
 */
export const prepareAdoptionHere = async (folder: string): Promise<Adoption | null> => {
  const [mount, umount] = ['mount', 'umount'].map(findProgram);
  if (mount == null || umount == null) return null;
  const shared = await makeSharedFolder(folder);
  if (shared === null) return null;
  const steps = [
    ['--bind', shared, shared],
    ['--make-private', shared],
    ['--make-shared', shared],
  ];
  for (const words of steps) if ((await execute([mount, ...words])).code !== 0) return null;
  return { entrance: [], reserve: reserveWith({ mount: [mount], umount: [umount] }, folder), close: () => {} };
};
