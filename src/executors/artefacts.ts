import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import type { LayerStore } from '../platform/blobs/layer-store.ts';
import { folderBytes } from './folder-bytes.ts';

/** A layer on this machine, kept as long as somebody holds it. */
export interface HeldLayer {
  readonly folder: string;
  /** Lets it go. Calling it twice does nothing. */
  release(): void;
}

/** The unpacked layers that sandboxes mount: bounded on disk, none removed that is mounted. */
export interface Artefacts {
  /** The layer's folder, unpacked when it is not here; concurrent calls share one unpack. Throws `BLOBS_NOT_FOUND`. */
  hold(digest: string): Promise<HeldLayer>;
}

export interface ArtefactsDeps {
  readonly layers: LayerStore;
  /** Where `layers` unpacks. */
  readonly folder: string;
  /** Above it, layers that nobody holds are removed, those not used for longest first. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Known {
  sizeBytes: number;
  holders: number;
  /** Monotonic. */
  usedMs: number;
}

const digestPattern = /^[0-9a-f]{64}$/;
/** A layer used more recently stays: a build on this machine may be about to mount it. */
const keptAtLeastMs = 600_000;

class BoundedArtefacts implements Artefacts {
  readonly #deps: ArtefactsDeps;
  readonly #known = new Map<string, Known>();
  #trimming = false;

  constructor(deps: ArtefactsDeps, present: ReadonlyMap<string, number>) {
    this.#deps = deps;
    const usedMs = deps.clock.monotonicMs();
    for (const [digest, sizeBytes] of present) this.#known.set(digest, { sizeBytes, holders: 0, usedMs });
  }

  async hold(digest: string): Promise<HeldLayer> {
    const known = this.#known.get(digest) ?? { sizeBytes: 0, holders: 0, usedMs: 0 };
    this.#known.set(digest, known);
    // Held before it is there, so that no trimming takes it away in between.
    known.holders += 1;
    known.usedMs = this.#deps.clock.monotonicMs();
    try {
      const folder = await this.#deps.layers.folderOf(digest);
      if (known.sizeBytes === 0) known.sizeBytes = await folderBytes(folder);
      void this.#trim();
      return { folder, release: once(() => this.#letGo(known)) };
    } catch (error) {
      this.#letGo(known);
      throw error;
    }
  }

  #letGo(known: Known): void {
    known.holders -= 1;
    known.usedMs = this.#deps.clock.monotonicMs();
  }

  async #trim(): Promise<void> {
    if (this.#trimming) return;
    this.#trimming = true;
    const { clock, maxBytes } = this.#deps;
    let usedBytes = [...this.#known.values()].reduce((sum, known) => sum + known.sizeBytes, 0);
    const byAge = [...this.#known].toSorted(([, a], [, b]) => a.usedMs - b.usedMs);
    for (const [digest, known] of byAge) {
      if (usedBytes <= maxBytes || clock.monotonicMs() - known.usedMs < keptAtLeastMs) break;
      if (known.holders > 0) continue;
      this.#known.delete(digest);
      usedBytes -= known.sizeBytes;
      await this.#remove(digest);
    }
    this.#trimming = false;
  }

  async #remove(digest: string): Promise<void> {
    const { folder, logger } = this.#deps;
    try {
      // Renamed first: a layer is there whole or not at all, also for one who asks for it meanwhile.
      const leaving = join(folder, `.${this.#deps.random.uuid()}`);
      await rename(join(folder, digest), leaving);
      await rm(leaving, { recursive: true, force: true });
      logger.debug({ event: 'layer.removed', digest });
    } catch (error) {
      logger.warn({ event: 'layer.not-removed', digest, reason: String(error) });
    }
  }
}

const once = (run: () => void): (() => void) => {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
};

const measurePresent = async (folder: string): Promise<ReadonlyMap<string, number>> => {
  const present = new Map<string, number>();
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (digestPattern.test(name)) present.set(name, await folderBytes(join(folder, name)));
  return present;
};

/** Takes over the layers that lie there already. */
export const createArtefacts = async (deps: ArtefactsDeps): Promise<Artefacts> =>
  new BoundedArtefacts(deps, await measurePresent(deps.folder));
