import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { sourceErrors } from './errors.ts';
import { checkLink, entryPathOf } from './inside-path.ts';

/** Something in a folder, by its path below the folder. */
export type FolderEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly executable: boolean; readonly sizeBytes: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const entryAt = async (folder: string, path: string): Promise<FolderEntry> => {
  const full = join(folder, path);
  const found = await lstat(full);
  if (found.isDirectory()) return { kind: 'folder', path };
  if (found.isFile()) {
    return { kind: 'file', path, executable: (found.mode & 0o100) !== 0, sizeBytes: found.size };
  }
  if (!found.isSymbolicLink()) {
    throw sourceErrors.BAD_ENTRY({ message: `${path} is neither a file, a folder nor a symbolic link: remove it.` });
  }
  const target = await readlink(full);
  checkLink(path, target);
  return { kind: 'link', path, target };
};

const byName = (left: string, right: string): number => (left < right ? -1 : 1);

/**
 * Everything below the folder, parents before children, sorted by name, links not followed. `leaveOut` sees the bare
 * name. Throws `SOURCE_BAD_ENTRY`, `SOURCE_BAD_PATH` and `SOURCE_LINK_OUTSIDE`. The folder must not change meanwhile.
 */
export async function* walkFolder(
  folder: string,
  leaveOut: (name: string) => boolean = () => false,
  below = '',
): AsyncGenerator<FolderEntry, void, undefined> {
  const names = await readdir(join(folder, below));
  for (const name of names.filter((each) => !leaveOut(each)).sort(byName)) {
    const entry = await entryAt(folder, entryPathOf(below === '' ? name : `${below}/${name}`));
    yield entry;
    if (entry.kind === 'folder') yield* walkFolder(folder, leaveOut, entry.path);
  }
}
