import { chown, lchown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxSpec } from '../sandbox.ts';

/** Makes `owner` (uid and gid) the owner of `path` and everything below it. Links are not followed. */
export const giveTo = async (path: string, owner: number): Promise<void> => {
  await lchown(path, owner, owner);
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), owner, owner);
};

/** Gives what a sandbox may write, and the socket that it may use, to the user that it runs as. */
export const giveFiles = async (spec: SandboxSpec, owner: number): Promise<void> => {
  if (spec.endpoint !== null) await chown(spec.endpoint, owner, owner);
  for (const mount of spec.mounts) if (mount.writable) await giveTo(mount.source, owner);
};
