import type { Clock } from '../kernel/clock.ts';

/**
 * Lanes: an algorithm version's calls are spread over 1…n lanes, each of which stands on one partition of its pool's
 * requests. Few lanes keep a quiet version on few warm sandboxes; a hot one gets enough to reach every executor.
 */

/** A build of an algorithm, as it appears in lanes and among the warm sandboxes that presence shows. */
export const versionKey = ({ algorithmId, build }: { readonly algorithmId: string; readonly build: string }): string =>
  `${algorithmId}@${build}`;

/** The lane of a call: `ALGORITHM_ID@BUILD#N`, N = `spread` modulo `lanes`. */
export const laneOf = (call: {
  readonly algorithmId: string;
  readonly build: string;
  readonly lanes: number;
  readonly spread: number;
}): string => `${versionKey(call)}#${call.spread % call.lanes}`;

/** FNV-1a, 32 bits: cheap, and good enough to spread versions over a dozen partitions. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
};

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

/**
 * Step between the partitions of neighbouring lanes: near the golden section, so that the first few lanes already lie
 * far apart (executors own runs of neighbouring partitions), and without common divisor, so that n lanes are n partitions.
 */
const strideOf = (partitions: number): number => {
  let stride = Math.max(1, Math.round(partitions * 0.618));
  while (commonDivisor(stride, partitions) !== 1) stride -= 1;
  return stride;
};

/** The partition on which a lane stands: always the same for the same lane and number of partitions. */
export const partitionOfLane = (lane: string, partitions: number): number => {
  const hash = lane.lastIndexOf('#');
  const number = Number(lane.slice(hash + 1));
  return (hashOf(lane.slice(0, hash)) + number * strideOf(partitions)) % partitions;
};

/** In-flight calls that one lane carries before a version gets another: a quarter of what a partition may have. */
const callsPerLane = 256;

/**
 * Lanes that a version needs. One call at a time stays on one lane; with several executors two lanes for each that
 * could be busy, since partitions are not dealt out evenly; with one executor only as many as the bound of a partition asks.
 */
export const lanesFor = (demand: {
  readonly inFlight: number;
  readonly executors: number;
  readonly partitions: number;
}): number => {
  const { inFlight, executors, partitions } = demand;
  const byBound = 1 + Math.floor(inFlight / callsPerLane);
  const busy = Math.min(executors, Math.ceil(inFlight));
  const byExecutors = executors <= 1 || inFlight <= 1 ? 1 : 2 * busy;
  return Math.max(1, Math.min(partitions, Math.max(byBound, byExecutors)));
};

/** A call that is to be placed. */
export interface PlacedCall {
  readonly algorithmId: string;
  readonly build: string;
  /** Executors of the pool that presence shows. */
  readonly executors: number;
  /** Partitions of the pool's requests. */
  readonly partitions: number;
}

/** One replica's estimate of the demand for each version. */
export interface LaneDemand {
  /** Counts the call as in flight and says where it goes. Changing numbers of lanes concern new calls only. */
  begin(call: PlacedCall): { readonly lane: string; readonly partition: number };
  /** The call ended, or was given up. Once per {@link begin}. */
  end(call: Pick<PlacedCall, 'algorithmId' | 'build'>): void;
  /** Versions with demand now or lately. */
  readonly versions: number;
}

interface Demand {
  inFlight: number;
  /** Highest number in flight lately; halves every `halfLifeMs`, so that a version does not lose its lanes between bursts. */
  peak: number;
  peakAtMs: number;
  spread: number;
}

const halfLifeMs = 5_000;
const sweepEveryMs = 60_000;
/** A peak is let sink in steps of this length: at thousands of calls a second each step is one of many. */
const sinkEveryMs = 100;

/** Makes the estimate of one replica: call {@link LaneDemand.begin} before publishing, `end` when the answer came. */
export const createLaneDemand = ({ clock }: { readonly clock: Clock }): LaneDemand => {
  const demands = new Map<string, Demand>();
  let sweptAtMs = clock.monotonicMs();

  const peakOf = (demand: Demand, nowMs: number): number =>
    Math.max(demand.inFlight, demand.peak * 2 ** ((demand.peakAtMs - nowMs) / halfLifeMs));

  const sweep = (nowMs: number): void => {
    if (nowMs - sweptAtMs < sweepEveryMs) return;
    sweptAtMs = nowMs;
    for (const [key, demand] of demands) if (peakOf(demand, nowMs) < 1) demands.delete(key);
  };

  return {
    begin: (call) => {
      const nowMs = clock.monotonicMs();
      sweep(nowMs);
      const key = versionKey(call);
      const demand = demands.get(key) ?? { inFlight: 0, peak: 0, peakAtMs: nowMs, spread: 0 };
      demands.set(key, demand);
      demand.inFlight += 1;
      if (nowMs - demand.peakAtMs >= sinkEveryMs) {
        demand.peak = peakOf(demand, nowMs);
        demand.peakAtMs = nowMs;
      }
      demand.peak = Math.max(demand.peak, demand.inFlight);
      demand.spread += 1;
      const lanes = lanesFor({ inFlight: demand.peak, executors: call.executors, partitions: call.partitions });
      const lane = laneOf({ algorithmId: call.algorithmId, build: call.build, lanes, spread: demand.spread });
      return { lane, partition: partitionOfLane(lane, call.partitions) };
    },
    end: (call) => {
      const demand = demands.get(versionKey(call));
      if (demand !== undefined && demand.inFlight > 0) demand.inFlight -= 1;
    },
    get versions() {
      return demands.size;
    },
  };
};
