import { partitionOfLane, versionKey } from '../../catalog/lanes.ts';
import type { PresenceView } from '../../messaging/presence.ts';
import type { NestedCall } from './nested-call.ts';

/** Where the call runs that made a nested one. */
export type NearParent = Pick<NestedCall, 'executor' | 'partitions'>;

/** What is placed: a build's call on a lane. */
export interface Placed {
  readonly algorithmId: string;
  readonly build: string;
  readonly pool: string;
  readonly lane: string;
}

/** A partition of the executor that runs the parent, while that one keeps up; null: anywhere. */
export const nearPartition = (presence: PresenceView, near: NearParent | null, call: Placed): number | null => {
  if (near === null || near.partitions.length === 0) return null;
  const parents = presence.liveIn('executor', call.pool).find(({ process }) => process === near.executor);
  if (parents === undefined) return null;
  const isWarm = (parents.warm[versionKey(call)] ?? 0) > 0;
  if (!isWarm && parents.queued >= parents.slots) return null;
  return near.partitions[partitionOfLane(call.lane, near.partitions.length)] ?? null;
};
