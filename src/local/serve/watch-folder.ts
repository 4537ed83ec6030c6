import { watch } from 'node:fs';
import type { Clock } from '../../kernel/clock.ts';

export interface FolderWatch {
  /** May be called twice. */
  close(): void;
}

/** An editor writes in several steps, a checkout many files: all of it is one change. */
const quietMs = 100;

/**
 * Calls `onChange` when something below the folder changed and then nothing did for a moment; never twice at once: what
 * changes meanwhile is told when the promise that it gave is settled.
 */
export const watchFolder = (folder: string, clock: Clock, onChange: () => Promise<void>): FolderWatch => {
  let cancel: (() => void) | null = null;
  let busy = false;
  let again = false;
  let closed = false;

  const tell = async (): Promise<void> => {
    cancel = null;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    await onChange();
    busy = false;
    if (again) {
      again = false;
      changed();
    }
  };
  const changed = (): void => {
    if (closed) return;
    cancel?.();
    cancel = clock.after(quietMs, () => void tell());
  };
  const watcher = watch(folder, { recursive: true }, changed);
  // A folder that goes away while it is looked at is a change like any other.
  watcher.on('error', changed);
  return {
    close: () => {
      closed = true;
      cancel?.();
      watcher.close();
    },
  };
};
