import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Sum of the sizes of the files below that folder. Links count for themselves and are not followed. */
export const folderBytes = async (folder: string): Promise<number> => {
  let sumBytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    sumBytes += entry.isDirectory() ? await folderBytes(path) : (await lstat(path)).size;
  }
  return sumBytes;
};
