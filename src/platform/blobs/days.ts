import type { Blobs } from './blobs.ts';

const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

/** The UTC day of that moment, `2026-11-25`: names sort as days do. */
export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** Which days to remove under `prefix`. */
export interface OldDays {
  readonly blobs: Blobs;
  readonly prefix: string;
  readonly nowMs: number;
  /** Days that ended longer ago than this are removed whole. */
  readonly keptMs: number;
}

/**
 * Removes the folders `<prefix>/<yyyy-mm-dd>` whose day is past its time and returns those days. Names that are not
 * days are left alone. May be called by several processes at once.
 */
export const removeOldDays = async ({ blobs, prefix, nowMs, keptMs }: OldDays): Promise<readonly string[]> => {
  const oldestKept = dayOf(nowMs - keptMs);
  const old = (await blobs.list(prefix)).filter((name) => dayPattern.test(name) && name < oldestKept);
  for (const day of old) await blobs.removeFolder(`${prefix}/${day}`);
  return old;
};
