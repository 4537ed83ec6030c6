import { laneOf, lanesFor, partitionOfLane } from '../../catalog/lanes.ts';
import { forward } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import { requestsTopic } from '../../kernel/topics.ts';
import { requestIdOfOrigin } from '../core/origin.ts';
import type { Placeable, Placement } from '../router.ts';

export interface ChooseLaneDeps {
  /** Executors of a pool that are alive. */
  readonly executorsOf: (pool: string) => number;
  /** Pool of builds that name none. */
  readonly defaultPool: string;
}

/** Records of one key go to one lane; keyless ones are spread by their offset. */
const spreadOf = ({ record }: Placeable): number => {
  if (record.key === null) return Number(record.offset % 1_000_003n);
  let hash = 0;
  for (const byte of record.key) hash = (Math.imul(hash, 31) + byte) >>> 0;
  return hash;
};

/** An inbox is a backlog, so a version's calls from there are spread as if every executor were wanted. */
const backlog = 1_024;

/** Chooses pool, lane and partition; the id derives from where the record first stood. */
export const chooseLane = ({ executorsOf, defaultPool }: ChooseLaneDeps): Step<Placeable, never, Placement> => ({
  name: 'choose-lane',
  run: (placeable) => {
    const { algorithm, build } = placeable.resolved;
    const pool = build.run?.pool ?? defaultPool;
    const { partitions } = requestsTopic(pool);
    const lanes = lanesFor({ inFlight: backlog, executors: executorsOf(pool), partitions });
    const lane = laneOf({ algorithmId: algorithm.id, build: build.hash, lanes, spread: spreadOf(placeable) });
    const id = requestIdOfOrigin(placeable.origin);
    return forward({ ...placeable, id, pool, lane, partition: partitionOfLane(lane, partitions) });
  },
});
