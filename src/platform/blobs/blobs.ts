import type { Readable } from 'node:stream';

/** Port of large byte values: request and result bodies by reference, artefact layers, build logs. */
export interface Blobs {
  /** Stores the bytes under `key` (segments of `[A-Za-z0-9._-]` with `/`); readers see all of it or nothing. Overwrites. */
  put(key: string, content: Buffer | Readable): Promise<{ readonly sizeBytes: number }>;
  /** The bytes; throws `BLOBS_NOT_FOUND`. For values that fit in memory. */
  read(key: string): Promise<Buffer>;
  /** As {@link read}, streamed. */
  stream(key: string): Promise<Readable>;
  has(key: string): Promise<boolean>;
  /** Removes everything under that folder; nothing there is no error. */
  removeFolder(prefix: string): Promise<void>;
  /** Names directly under that folder. */
  list(prefix: string): Promise<readonly string[]>;
}
