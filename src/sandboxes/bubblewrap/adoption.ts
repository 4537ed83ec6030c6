import { chmod, mkdir, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sandboxErrors } from '../errors.ts';
import { execute } from '../process/execute.ts';
import { findProgram } from '../process/find-program.ts';
import type { Mount } from '../sandbox.ts';

/**
 * Mounts in sandboxes that run already. A sandbox gets its mounts before its namespace is closed, but what is mounted
 * later below a shared mount of the host still spreads to the sandboxes that were given a folder of it. So an adoptable
 * sandbox sees empty folders of such a mount, and adopting it means to mount the layers onto these, on the host.
 */
export interface Adoption {
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

interface Programs {
  readonly mount: string;
  readonly umount: string;
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
      await mustRun([this.#programs.mount, '--bind', '-o', 'ro,nosuid,nodev', parent, place]);
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
    for (const { source, target } of mounts) {
      const place = this.#placeOf(target);
      await mustRun([this.#programs.mount, '--bind', await this.#sources.pathOf(source), place]);
      this.#mounted.unshift(place);
    }
    const missing = await notMounted(mounts, pid);
    if (missing.length === 0) return;
    throw sandboxErrors.START_FAILED({ message: `Mounts do not reach a running sandbox here: ${missing.join(', ')}.` });
  }

  async remove(): Promise<void> {
    if (this.#mounted.length > 0) await execute([this.#programs.umount, '-l', ...this.#mounted]);
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

/** Makes the shared mount at `folder`; null where that is not possible: only root may, and not everywhere. */
export const prepareAdoption = async (folder: string): Promise<Adoption | null> => {
  const mount = findProgram('mount');
  const umount = findProgram('umount');
  if (mount === null || umount === null || process.getuid?.() !== 0) return null;
  const shared = join(folder, 'shared');
  await mkdir(shared, { recursive: true });
  for (const each of [folder, shared]) await chmod(each, 0o711);
  // Private first: it must not spread to whoever shares the mount that the folder lies in.
  for (const words of [
    ['--bind', shared, shared],
    ['--make-private', shared],
    ['--make-shared', shared],
  ]) {
    if ((await execute([mount, ...words])).code !== 0) return null;
  }
  const programs = { mount, umount };
  const sources = new ReadOnlyFolders(programs, join(folder, 'sources'));
  return {
    reserve: async (id, targets) => {
      const reserved = new ReservedFolders(programs, sources, join(shared, id), targets);
      await reserved.make();
      return reserved;
    },
  };
};
