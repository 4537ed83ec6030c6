import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../kernel/random.ts';
import { packFolder, unpackLayer } from '../git/layer-archive.ts';
import type { Blobs } from './blobs.ts';

/** A content-addressed folder: packed in the blob store, unpacked once on each machine that needs it. */
export interface Layer {
  /** SHA-256 of the packed form, hex. */
  readonly digest: string;
  /** Bytes of the packed form. */
  readonly sizeBytes: number;
}

/** Layers: what builds make and sandboxes mount read-only. */
export interface LayerStore {
  /** Folder on this machine that holds the layer's files. Concurrent calls share one unpacking. Throws `BLOBS_NOT_FOUND`. */
  folderOf(digest: string): Promise<string>;
  /** Packs the folder, stores it, and moves it to where `folderOf` finds it. The folder is gone afterwards. */
  add(folder: string): Promise<Layer>;
  /** The layer remembered under a key, or null. */
  find(key: string): Promise<Layer | null>;
  /** Remembers a layer under a key (64 hex digits), for every machine. */
  remember(key: string, layer: Layer): Promise<void>;
}

export interface LayerStoreOptions {
  readonly blobs: Blobs;
  readonly random: Random;
  /** Unpacked layers by digest, and scratch beside them: one file system. */
  readonly folder: string;
}

const blobOf = (digest: string): string => `layers/${digest}.tar.gz`;
const entryOf = (key: string): string => `layer-keys/${key}.json`;

const exists = async (path: string): Promise<boolean> =>
  await stat(path).then(
    () => true,
    () => false,
  );

/** Moves a finished folder to its place; who comes second finds it there and throws its own away. */
const moveOnce = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (error) {
    await rm(from, { recursive: true, force: true });
    if (!(await exists(to))) throw error;
  }
};

/** Makes the store over a blob store and a folder of this machine. */
export const createLayerStore = ({ blobs, random, folder }: LayerStoreOptions): LayerStore => {
  const unpacking = new Map<string, Promise<string>>();
  const scratch = async (): Promise<string> => {
    const path = join(folder, `.${random.uuid()}`);
    await mkdir(folder, { recursive: true, mode: 0o711 });
    return path;
  };
  const unpack = async (digest: string): Promise<string> => {
    const target = join(folder, digest);
    if (await exists(target)) return target;
    const partial = await scratch();
    await unpackLayer(await blobs.stream(blobOf(digest)), partial, digest);
    await moveOnce(partial, target);
    return target;
  };
  return {
    folderOf: async (digest) => {
      const running = unpacking.get(digest) ?? unpack(digest).finally(() => unpacking.delete(digest));
      unpacking.set(digest, running);
      return await running;
    },
    add: async (source) => {
      const file = await scratch();
      try {
        const layer = await packFolder(source, file);
        await blobs.put(blobOf(layer.digest), createReadStream(file));
        await moveOnce(source, join(folder, layer.digest));
        return layer;
      } finally {
        await rm(file, { force: true });
      }
    },
    find: async (key) => {
      if (!(await blobs.has(entryOf(key)))) return null;
      return JSON.parse((await blobs.read(entryOf(key))).toString('utf8')) as Layer;
    },
    remember: async (key, layer) => {
      await blobs.put(entryOf(key), Buffer.from(JSON.stringify(layer)));
    },
  };
};
