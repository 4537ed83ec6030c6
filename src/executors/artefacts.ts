import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import { executorErrors } from './errors.ts';
import { folderBytes } from './folder-bytes.ts';

/** A layer on this machine, kept as long as somebody holds it. */
export interface HeldLayer {
  readonly folder: string;
  /** Lets it go. Calling it twice does nothing. */
  release(): void;
}

/** The unpacked layers of artefacts: content-addressed folders, each unpacked once. */
export interface Artefacts {
  /**
   * The layer's folder, unpacked from the blob store when it is not here. Concurrent requests share one unpack. Throws
   * `BLOBS_NOT_FOUND` and `EXECUTOR_LAYER_CORRUPT`.
   */
  hold(digest: string): Promise<HeldLayer>;
}

export interface ArtefactsDeps {
  readonly blobs: Blobs;
  /** Owned by this process family: `<data>/layers`. */
  readonly folder: string;
  /** Above it, layers that nobody holds are removed, those not used for longest first. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Unpacks a `.tar.gz` into the folder, which exists and is empty. */
  readonly unpack: (content: Readable, folder: string) => Promise<void>;
}

interface Layer {
  readonly folder: string;
  readonly ready: Promise<number>;
  sizeBytes: number;
  holders: number;
  usedMs: number;
}

const digestPattern = /^[0-9a-f]{64}$/;
const unpackingPrefix = 'unpacking-';

class LayerStore implements Artefacts {
  readonly #deps: ArtefactsDeps;
  readonly #layers = new Map<string, Layer>();
  #trimming: Promise<void> | null = null;

  constructor(deps: ArtefactsDeps, present: readonly (readonly [string, number])[]) {
    this.#deps = deps;
    for (const [digest, sizeBytes] of present) {
      const folder = join(deps.folder, digest);
      this.#layers.set(digest, { folder, ready: Promise.resolve(sizeBytes), sizeBytes, holders: 0, usedMs: 0 });
    }
  }

  async hold(digest: string): Promise<HeldLayer> {
    const layer = this.#layers.get(digest) ?? this.#begin(digest);
    layer.holders += 1;
    layer.usedMs = this.#deps.clock.monotonicMs();
    try {
      await layer.ready;
    } catch (error) {
      if (this.#layers.get(digest) === layer) this.#layers.delete(digest);
      throw error;
    }
    let held = true;
    return {
      folder: layer.folder,
      release: () => {
        if (!held) return;
        held = false;
        layer.holders -= 1;
        this.#trimSoon();
      },
    };
  }

  #begin(digest: string): Layer {
    const folder = join(this.#deps.folder, digest);
    const ready = this.#unpack(digest, folder);
    const layer: Layer = { folder, ready, sizeBytes: 0, holders: 0, usedMs: 0 };
    this.#layers.set(digest, layer);
    ready.then(
      (sizeBytes) => {
        layer.sizeBytes = sizeBytes;
        this.#trimSoon();
      },
      () => {
        // Told to everybody who holds it.
      },
    );
    return layer;
  }

  async #unpack(digest: string, folder: string): Promise<number> {
    const { blobs, random, unpack } = this.#deps;
    const startedMs = this.#deps.clock.monotonicMs();
    const temporary = join(this.#deps.folder, `${unpackingPrefix}${random.uuid()}`);
    try {
      await mkdir(temporary, { recursive: true });
      const hash = createHash('sha256');
      const hashed = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      const content = new PassThrough();
      const reading = pipeline(await blobs.stream(`layers/${digest}.tar.gz`), hashed, content);
      await Promise.all([reading, unpack(content, temporary)]);
      const actual = hash.digest('hex');
      if (actual !== digest) {
        const message = `Layer ${digest} in the blob store has the digest ${actual}: it was altered or cut. Build again.`;
        throw executorErrors.LAYER_CORRUPT({ message, details: { digest, actual } });
      }
      const sizeBytes = await folderBytes(temporary);
      await moveOnce(temporary, folder);
      const tookMs = Math.round(this.#deps.clock.monotonicMs() - startedMs);
      this.#deps.logger.debug({ event: 'layer.unpacked', digest, sizeBytes, tookMs });
      return sizeBytes;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  #trimSoon(): void {
    this.#trimming ??= this.#trim().finally(() => {
      this.#trimming = null;
    });
  }

  async #trim(): Promise<void> {
    let usedBytes = [...this.#layers.values()].reduce((sum, layer) => sum + layer.sizeBytes, 0);
    const unheld = [...this.#layers].filter(([, layer]) => layer.holders === 0);
    for (const [digest, layer] of unheld.toSorted(([, a], [, b]) => a.usedMs - b.usedMs)) {
      if (usedBytes <= this.#deps.maxBytes) return;
      if (layer.holders > 0 || this.#layers.get(digest) !== layer) continue;
      this.#layers.delete(digest);
      usedBytes -= layer.sizeBytes;
      await this.#remove(digest, layer.folder);
    }
  }

  async #remove(digest: string, folder: string): Promise<void> {
    try {
      // Renamed first: a layer is there whole or not at all, also for one who asks for it meanwhile.
      const leaving = join(this.#deps.folder, `${unpackingPrefix}${this.#deps.random.uuid()}`);
      await rename(folder, leaving);
      await rm(leaving, { recursive: true, force: true });
      this.#deps.logger.debug({ event: 'layer.removed', digest });
    } catch (error) {
      this.#deps.logger.warn({ event: 'layer.not-removed', digest, reason: String(error) });
    }
  }
}

/** Another process of this machine may have unpacked the same layer meanwhile: then its folder is as good. */
const moveOnce = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
};

/** Opens the store: takes over whole layers that are there and removes what a killed process left half unpacked. */
export const createArtefacts = async (deps: ArtefactsDeps): Promise<Artefacts> => {
  await mkdir(deps.folder, { recursive: true });
  const present: (readonly [string, number])[] = [];
  for (const name of await readdir(deps.folder)) {
    const path = join(deps.folder, name);
    if (digestPattern.test(name)) present.push([name, await folderBytes(path)]);
    else if (name.startsWith(unpackingPrefix)) await rm(path, { recursive: true, force: true });
  }
  return new LayerStore(deps, present);
};
