import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';

export interface FolderWatch {
  /** May be called twice. */
  close(): void;
}

export interface WatchFolderOptions {
  readonly folder: string;
  /** Whether a file or folder of that name is looked at. */
  readonly isSource: (name: string) => boolean;
  readonly clock: Clock;
  /** Never rejects. */
  readonly onChange: () => Promise<void>;
}

/** An editor writes in several steps, a checkout many files: all of it is one change. */
const quietMs = 100;

const foldersIn = async (folder: string, isSource: (name: string) => boolean): Promise<readonly string[]> => {
  // One that went away meanwhile has nothing in it.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = entries.filter((entry) => entry.isDirectory() && isSource(entry.name));
  const deeper = await Promise.all(below.map(async ({ name }) => await foldersIn(join(folder, name), isSource)));
  return [folder, ...deeper.flat()];
};

/**
 * Watches each folder by itself: what Node calls recursive follows files, and loses one that an editor replaces.
 */
class FolderTreeWatch implements FolderWatch {
  readonly #options: WatchFolderOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  #cancel: (() => void) | null = null;
  #telling = false;
  #again = false;
  #closed = false;

  constructor(options: WatchFolderOptions) {
    this.#options = options;
  }

  /** Watches folders that are new and forgets those that went. */
  async look(): Promise<void> {
    const { folder, isSource } = this.#options;
    const present = new Set(await foldersIn(folder, isSource));
    if (this.#closed) return;
    for (const [path, watcher] of this.#watchers) if (!present.has(path)) this.#forget(path, watcher);
    for (const path of present) if (!this.#watchers.has(path)) this.#watch(path);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    for (const [path, watcher] of this.#watchers) this.#forget(path, watcher);
  }

  #forget(path: string, watcher: FSWatcher): void {
    watcher.close();
    this.#watchers.delete(path);
  }

  #watch(path: string): void {
    try {
      const watcher = watch(path, (_event, name) => {
        if (name === null || this.#options.isSource(name)) this.#changed();
      });
      watcher.on('error', () => this.#forget(path, watcher));
      this.#watchers.set(path, watcher);
    } catch {
      // It went away between the look and now; its parent tells.
    }
  }

  #changed(): void {
    if (this.#closed) return;
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(quietMs, () => void this.#tell());
  }

  async #tell(): Promise<void> {
    this.#cancel = null;
    this.#again = this.#telling;
    if (this.#telling) return;
    this.#telling = true;
    await this.look();
    await this.#options.onChange();
    this.#telling = false;
    if (this.#again) this.#changed();
  }
}

/**
 * Calls `onChange` when something in the folder changed and then nothing did for a moment; never twice at once: what
 * changes meanwhile is told when the promise that it gave is settled. Resolves when the folder is watched.
 */
export const watchFolder = async (options: WatchFolderOptions): Promise<FolderWatch> => {
  const watching = new FolderTreeWatch(options);
  await watching.look();
  return watching;
};
