import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';

/** Folders that are made by tools and never part of an algorithm's source. */
const leftOut = new Set(['.git', 'node_modules', '__pycache__', '.venv', 'venv', '.pytest_cache', '.DS_Store']);

/** Whether a file or folder of that name belongs to an algorithm's source. */
export const isSource = (name: string): boolean => !leftOut.has(name);

const addEntry = async (archive: Pack, root: string, path: string): Promise<void> => {
  const full = join(root, path);
  const stat = await lstat(full);
  if (stat.isDirectory()) {
    await addFolder(archive, root, path);
  } else if (stat.isSymbolicLink()) {
    archive.entry({ name: path, type: 'symlink', linkname: await readlink(full) });
  } else if (stat.isFile()) {
    const entry = archive.entry({ name: path, size: stat.size, mode: stat.mode & 0o111 ? 0o755 : 0o644 });
    await pipeline(createReadStream(full), entry);
  }
};

const addFolder = async (archive: Pack, root: string, path: string): Promise<void> => {
  const names = (await readdir(join(root, path))).filter(isSource).sort();
  for (const name of names) await addEntry(archive, root, path === '' ? name : `${path}/${name}`);
};

/**
 * The folder as a `.tar.gz` in memory, as it is sent and as it is built locally. Level 0 does not compress: for archives
 * that stay on this machine. Throws when the folder cannot be read.
 */
export const packFolder = async (folder: string, level = 6): Promise<Buffer> => {
  const archive = pack();
  const gzip = createGzip({ level });
  const collected = buffer(archive.pipe(gzip));
  await addFolder(archive, folder, '');
  archive.finalize();
  return await collected;
};
