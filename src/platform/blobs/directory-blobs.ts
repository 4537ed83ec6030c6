import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { blobNotFound, checkKey } from './blob-key.ts';
import type { Blobs } from './blobs.ts';
import { blobErrors } from './errors.ts';

export interface DirectoryBlobsOptions {
  /** Made when missing. For one host: processes of several hosts need a shared volume or an object store. */
  readonly folder: string;
}

/** Files being written lie here; no key can name it, because `~` is not allowed in keys. */
const incomingFolder = '~incoming';
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const isAbsence = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error));

/** A key below a blob, or a blob where a folder is: the file system cannot hold both. */
const isClash = (error: unknown): boolean => ['EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY'].includes(codeOf(error));

const absentAs = async <Value>(work: Promise<Value>, otherwise: (error: unknown) => Value): Promise<Value> => {
  try {
    return await work;
  } catch (error) {
    if (isAbsence(error)) return otherwise(error);
    throw error;
  }
};

const writeAll = async (file: FileHandle, content: Buffer | Readable): Promise<number> => {
  if (Buffer.isBuffer(content)) {
    await file.writeFile(content);
    return content.length;
  }
  let sizeBytes = 0;
  for await (const chunk of content as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    await file.writeFile(bytes);
    sizeBytes += bytes.length;
  }
  return sizeBytes;
};

const writeFileDurably = async (path: string, content: Buffer | Readable): Promise<number> => {
  const file = await open(path, 'wx');
  try {
    const sizeBytes = await writeAll(file, content);
    await file.sync();
    return sizeBytes;
  } finally {
    await file.close();
  }
};

/** Renames into place; a folder that was removed meanwhile is made again, once. */
const moveInto = async (from: string, target: string): Promise<void> => {
  await mkdir(dirname(target), { recursive: true });
  try {
    await rename(from, target);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(dirname(target), { recursive: true });
    await rename(from, target);
  }
};

/**
 * Blobs as files of one directory. A value is written beside, synced and renamed, so that a crash leaves the old value
 * or none. Calls may overlap; of two puts of one key the later rename wins whole.
 */
export const createDirectoryBlobs = ({ folder }: DirectoryBlobsOptions): Blobs => {
  const pathOf = (key: string): string => {
    checkKey(key);
    return join(folder, key);
  };

  return {
    put: async (key, content) => {
      const target = pathOf(key);
      const incoming = join(folder, incomingFolder, randomUUID());
      await mkdir(dirname(incoming), { recursive: true });
      try {
        const sizeBytes = await writeFileDurably(incoming, content);
        await moveInto(incoming, target);
        return { sizeBytes };
      } catch (error) {
        await rm(incoming, { force: true });
        if (!isClash(error)) throw error;
        const message = `${key} cannot be stored: a part of the key is a blob already, or the key is a folder.`;
        throw blobErrors.BAD_KEY({ message, cause: error });
      }
    },
    read: async (key) =>
      await absentAs<Buffer>(readFile(pathOf(key)), (cause) => {
        throw blobNotFound(key, cause);
      }),
    stream: async (key) => {
      const file = await absentAs(open(pathOf(key), 'r'), (cause) => {
        throw blobNotFound(key, cause);
      });
      if ((await file.stat()).isFile()) return file.createReadStream();
      await file.close();
      throw blobNotFound(key);
    },
    has: async (key) =>
      await absentAs(
        stat(pathOf(key)).then((found) => found.isFile()),
        () => false,
      ),
    removeFolder: async (prefix) => {
      await rm(pathOf(prefix), { recursive: true, force: true });
    },
    list: async (prefix) => {
      const path = prefix === '' ? folder : pathOf(prefix);
      const names = await absentAs<readonly string[]>(readdir(path), () => []);
      return names.filter((name) => name !== incomingFolder).sort();
    },
  };
};
