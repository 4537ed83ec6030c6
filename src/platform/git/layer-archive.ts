import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';
import { limits } from '../../kernel/limits.ts';
import { sourceErrors } from './errors.ts';
import { extractTar } from './extract-tar.ts';
import { type FolderEntry, walkFolder } from './folder-walk.ts';

/** A packed folder: its content address and size. */
export interface PackedFolder {
  /** SHA-256 of the packed bytes, hex. */
  readonly digest: string;
  readonly sizeBytes: number;
}

const gzipLevel = 3;
const wholeFileBytes = 1024 * 1024;

/** Everything that does not belong to the content is fixed, so that the same files give the same digest. */
const fixed: Partial<Header> = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' };

/** Small files go in whole, which is several times faster than a stream each. */
const addFile = async (archive: Pack, path: string, header: Partial<Header> & { name: string; size: number }) => {
  const whole = header.size <= wholeFileBytes ? await readFile(path) : undefined;
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (whole !== undefined) {
      archive.entry(header, whole, done);
      return;
    }
    const sink = archive.entry(header, done);
    createReadStream(path)
      .on('error', (error) => sink.destroy(error))
      .pipe(sink as unknown as Writable);
  });
};

const addEntry = async (archive: Pack, folder: string, entry: FolderEntry): Promise<void> => {
  const { path } = entry;
  switch (entry.kind) {
    case 'folder':
      archive.entry({ ...fixed, name: `${path}/`, type: 'directory', mode: 0o755 });
      return;
    case 'link':
      archive.entry({ ...fixed, name: path, type: 'symlink', linkname: entry.target, mode: 0o777 });
      return;
    case 'file': {
      const mode = entry.executable ? 0o755 : 0o644;
      await addFile(archive, join(folder, path), { ...fixed, name: path, type: 'file', size: entry.sizeBytes, mode });
      return;
    }
  }
};

const addFolder = async (archive: Pack, folder: string): Promise<void> => {
  try {
    for await (const entry of walkFolder(folder)) await addEntry(archive, folder, entry);
    archive.finalize();
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
};

/** Passes bytes on and keeps their digest and number. */
const createMeter = (): { readonly stage: Transform; readonly result: () => PackedFolder } => {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const stage = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  return { stage, result: () => ({ digest: hash.digest('hex'), sizeBytes }) };
};

/**
 * Packs everything in the folder as `.tar.gz` into the file, which must not exist: sorted, with fixed times and owners,
 * synced to disk. Throws `SOURCE_BAD_ENTRY`, `SOURCE_BAD_PATH` and `SOURCE_LINK_OUTSIDE`; then the file holds a part.
 */
export const packFolder = async (folder: string, file: string): Promise<PackedFolder> => {
  const archive = pack();
  const meter = createMeter();
  const writing = pipeline(
    archive as unknown as Readable,
    createGzip({ level: gzipLevel }),
    meter.stage,
    createWriteStream(file, { flags: 'wx', flush: true }),
  );
  const [added, written] = await Promise.allSettled([addFolder(archive, folder), writing]);
  if (written.status === 'rejected') throw written.reason;
  if (added.status === 'rejected') throw added.reason;
  return meter.result();
};

/**
 * Unpacks what {@link packFolder} made into the folder, which is made or must be empty. With a digest, throws
 * `SOURCE_BAD_ARCHIVE` when the bytes are others. On any error the folder holds a part, for the caller to remove.
 */
export const unpackLayer = async (content: Readable, folder: string, digest?: string): Promise<void> => {
  const meter = createMeter();
  const bounds = { entriesMax: limits.layerEntries, bytesMax: limits.layerBytes };
  await extractTar(content, folder, { stages: [meter.stage, createGunzip()], limits: bounds });
  const actual = meter.result().digest;
  if (digest === undefined || digest === actual) return;
  throw sourceErrors.BAD_ARCHIVE({ message: `Layer ${digest} has the digest ${actual}: it was altered. Build again.` });
};
