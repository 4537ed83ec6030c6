import { lchown, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes `owner` (uid and gid) the owner of `path` and everything below it. Links are not followed. */
export const giveTo = async (path: string, owner: number): Promise<void> => {
  await lchown(path, owner, owner);
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), owner, owner);
};
