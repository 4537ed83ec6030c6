import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract } from 'tar-stream';
import { PlatformError } from '../../kernel/errors.ts';
import { sourceErrors } from './errors.ts';
import { badPath, checkLink, entryPathOf } from './inside-path.ts';

/** One entry while it is read. */
type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

/** How much may come out of an archive. */
export interface ExtractLimits {
  readonly entriesMax: number;
  /** Of all files together. */
  readonly bytesMax: number;
}

/** What has come out so far. */
interface Progress {
  readonly folder: string;
  readonly limits: ExtractLimits;
  /** Written at the very end: while files are written, no path leads through a link. */
  readonly links: Map<string, string>;
  /** Files written, with their sizes. */
  readonly files: Map<string, number>;
  entries: number;
  sizeBytes: number;
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** What the file system says when two entries want the same place, or a name is too long for it. */
const isClash = (error: unknown): boolean =>
  ['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP'].includes(codeOf(error));

const placing = async (path: string, work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!isClash(error)) throw error;
    throw badPath(path, 'its place is taken by another entry, or its name is too long', error);
  }
};

const addEntry = (progress: Progress): void => {
  const { entriesMax } = progress.limits;
  progress.entries += 1;
  if (progress.entries <= entriesMax) return;
  throw sourceErrors.TOO_MANY_FILES({ message: `The archive has more than ${entriesMax} entries.` });
};

const addBytes = (progress: Progress, sizeBytes: number): void => {
  const { bytesMax } = progress.limits;
  progress.sizeBytes += sizeBytes;
  if (progress.sizeBytes <= bytesMax) return;
  throw sourceErrors.TOO_LARGE({ message: `The archive's files are larger than ${bytesMax} bytes together.` });
};

const writeFileEntry = async (progress: Progress, path: string, entry: Entry): Promise<void> => {
  const full = join(progress.folder, path);
  const mode = (entry.header.mode & 0o100) === 0 ? 0o644 : 0o755;
  await mkdir(dirname(full), { recursive: true });
  await pipeline(entry, createWriteStream(full, { mode }));
  progress.files.set(path, entry.header.size);
};

/** A hard link becomes a copy of the file that came before, which counts as any other. */
const writeHardLink = async (progress: Progress, path: string, entry: Entry): Promise<void> => {
  const target = entryPathOf(entry.header.linkname);
  const sizeBytes = progress.files.get(target);
  if (sizeBytes === undefined) throw badPath(path, 'it is a hard link to a file that the archive does not hold');
  addBytes(progress, sizeBytes);
  const full = join(progress.folder, path);
  await mkdir(dirname(full), { recursive: true });
  await copyFile(join(progress.folder, target), full);
  progress.files.set(path, sizeBytes);
};

const writeEntry = async (progress: Progress, entry: Entry): Promise<void> => {
  const { name, type, size, linkname } = entry.header;
  const path = entryPathOf(name);
  addEntry(progress);
  addBytes(progress, size);
  if (path === '' && type === 'directory') return;
  if (path === '') throw badPath(name, 'it is the folder itself');
  switch (type) {
    case 'directory':
      await mkdir(join(progress.folder, path), { recursive: true });
      return;
    case 'symlink':
      checkLink(path, linkname);
      progress.links.set(path, linkname);
      return;
    case 'link':
      await writeHardLink(progress, path, entry);
      return;
    case 'file':
    case 'contiguous-file':
      await writeFileEntry(progress, path, entry);
      return;
    case 'block-device':
    case 'character-device':
    case 'fifo':
      throw sourceErrors.BAD_ENTRY({
        message: `${path} in the archive is a ${type}: only files, folders and links are taken.`,
      });
  }
};

/** All parents first, then the links: a link where another needs a folder finds its place taken. */
const writeLinks = async ({ folder, links }: Progress): Promise<void> => {
  for (const path of links.keys()) {
    await placing(path, async () => await mkdir(dirname(join(folder, path)), { recursive: true }));
  }
  for (const [path, target] of links) await placing(path, async () => await symlink(target, join(folder, path)));
};

/** Errors of the machine stay what they are; the rest is the archive's fault. */
const asArchiveError = (error: unknown): unknown => {
  if (error instanceof PlatformError || (error instanceof Error && 'syscall' in error)) return error;
  return sourceErrors.BAD_ARCHIVE({ message: 'The archive is damaged or no .tar.gz.', cause: error });
};

/**
 * Tells the sender's failures from ours: a pipeline that fails anywhere destroys its source with the same error, so
 * only an error of the source that comes first is its own.
 */
const watchSource = (content: Readable): { readonly ours: () => void; readonly failure: () => unknown } => {
  let first: 'nobody' | 'source' | 'ours' = 'nobody';
  let failure: unknown;
  content.once('error', (error) => {
    if (first === 'nobody') {
      first = 'source';
      failure = error;
    }
  });
  return {
    ours: () => {
      if (first === 'nobody') first = 'ours';
    },
    failure: () => failure,
  };
};

const writeEntries = async (tar: Extract, progress: Progress, onFailure: () => void): Promise<void> => {
  for await (const entry of tar) {
    try {
      await placing(entry.header.name, async () => await writeEntry(progress, entry));
      entry.resume();
    } catch (error) {
      onFailure();
      throw error;
    }
  }
};

export interface ExtractOptions {
  /** Stages before the tar bytes, for example a decompressor. */
  readonly stages?: readonly Transform[];
  readonly limits: ExtractLimits;
}

/**
 * Writes the files, folders and links of a tar stream into the folder, which is made or must be empty. Modes become
 * 0755 or 0644, owners and times are dropped. Nothing outside the folder is touched, whatever the archive says. Throws
 * `SOURCE_BAD_ARCHIVE`, `SOURCE_BAD_PATH`, `SOURCE_BAD_ENTRY`, `SOURCE_LINK_OUTSIDE`, `SOURCE_TOO_MANY_FILES` and
 * `SOURCE_TOO_LARGE`; then the folder holds a part, for the caller to remove.
 */
export const extractTar = async (content: Readable, folder: string, options: ExtractOptions): Promise<void> => {
  const source = watchSource(content);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty`);
  const { limits, stages = [] } = options;
  const progress: Progress = { folder, limits, links: new Map(), files: new Map(), entries: 0, sizeBytes: 0 };
  const tar = extract();
  for (const stage of stages) stage.once('error', source.ours);
  tar.once('error', source.ours);
  const writing = writeEntries(tar, progress, source.ours);
  const reading = pipeline([content, ...stages, tar as unknown as Writable]);
  const [read, written] = await Promise.allSettled([reading, writing]);
  const failure = written.status === 'rejected' ? written : read;
  if (failure.status === 'rejected') throw source.failure() ?? asArchiveError(failure.reason);
  await writeLinks(progress);
};
