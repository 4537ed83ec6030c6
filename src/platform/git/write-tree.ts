import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sourceErrors } from './errors.ts';
import { type FolderEntry, walkFolder } from './folder-walk.ts';
import { runGit, tryGit } from './git-command.ts';
import { badPath } from './inside-path.ts';

type Stored = Exclude<FolderEntry, { kind: 'folder' }>;

const isGitFolder = (name: string): boolean => name.toLowerCase() === '.git';

const storedEntries = async (folder: string): Promise<readonly Stored[]> => {
  const entries: Stored[] = [];
  for await (const entry of walkFolder(folder, isGitFolder)) if (entry.kind !== 'folder') entries.push(entry);
  if (entries.length > 0) return entries;
  throw sourceErrors.EMPTY({ message: 'There are no files to commit: send at least one.' });
};

const modeOf = (entry: Stored): string => {
  if (entry.kind === 'link') return '120000';
  return entry.executable ? '100755' : '100644';
};

/** Stores each entry's bytes as they are and returns their object ids, in order. A link's bytes are its target. */
const storeBlobs = async (
  repository: string,
  folder: string,
  entries: readonly Stored[],
): Promise<readonly string[]> => {
  const scratch = await mkdtemp(join(repository, 'incoming-'));
  try {
    const paths: string[] = [];
    for (const [index, entry] of entries.entries()) {
      if (entry.kind === 'file') {
        paths.push(join(folder, entry.path));
      } else {
        const path = join(scratch, String(index));
        await writeFile(path, entry.target);
        paths.push(path);
      }
    }
    const args = ['hash-object', '-w', '--no-filters', '--stdin-paths'];
    const output = await runGit({ repository, args, input: `${paths.join('\n')}\n` });
    return output.toString('latin1').trim().split('\n');
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/**
 * Writes the folder as a git tree: every file byte for byte, `.git` left out, nothing ignored or converted (which is
 * why it is not `git add`). Returns the tree's id.
 */
export const writeTree = async (repository: string, folder: string): Promise<string> => {
  const entries = await storedEntries(folder);
  const blobs = await storeBlobs(repository, folder, entries);
  const scratch = await mkdtemp(join(repository, 'incoming-'));
  try {
    const env = { GIT_INDEX_FILE: join(scratch, 'index') };
    const input = entries.map((entry, index) => `${modeOf(entry)} ${blobs[index] ?? ''}\t${entry.path}\0`).join('');
    const indexed = await tryGit({ repository, env, args: ['update-index', '-z', '--index-info'], input });
    // Paths that git does not take it only mentions; the tree must not be made without them.
    if (indexed.status !== 0 || indexed.stderr !== '') throw refusedPath(indexed.stderr);
    const tree = await runGit({ repository, env, args: ['write-tree'] });
    return tree.toString('latin1').trim();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** Git itself refuses names that stand for `.git` on some file system. */
const refusedPath = (stderr: string) => {
  const path = /^Ignoring path (.*)$/m.exec(stderr)?.[1];
  if (path !== undefined) return badPath(path, 'git does not take it, because it stands for .git on some system');
  return badPath(stderr.trim().slice(0, 200), 'git does not take it');
};
