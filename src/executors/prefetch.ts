import type { Build } from '../catalog/catalog.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Artefacts } from './artefacts.ts';
import { isRunnable } from './resolve-class.ts';

/** Builds that ended longer ago are unpacked when they are called. */
const recentMs = 60_000;

export interface PrefetchDeps {
  readonly artefacts: Pick<Artefacts, 'hold'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pool: string;
}

/** Unpacks the layers of a build of this pool as soon as it has succeeded, one build after the other. */
export const createPrefetch = ({ artefacts, clock, logger, pool }: PrefetchDeps): ((build: Build) => void) => {
  let last = Promise.resolve();
  const fetchLayers = async (build: Build): Promise<void> => {
    const { app, dependencies, system = null } = build.artefact ?? { app: null, dependencies: null };
    for (const digest of [system, dependencies, app]) {
      if (digest === null) continue;
      try {
        (await artefacts.hold(digest)).release();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ event: 'layer.not-prefetched', digest, build: build.hash, reason });
      }
    }
  };
  return (build) => {
    if (!isRunnable(build) || build.run.pool !== pool) return;
    if (build.finishedAtMs === null || clock.nowMs() - build.finishedAtMs > recentMs) return;
    last = last.then(async () => {
      await fetchLayers(build);
    });
  };
};
