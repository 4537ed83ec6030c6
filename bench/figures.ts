import type { LoadResult } from './wrk.ts';

/** One row of the bench's JSON: medians over the runs. */
export interface Row {
  readonly case: string;
  readonly side: 'floor' | 'product';
  readonly concurrency: number;
  readonly rps: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly rps_min: number;
  readonly rps_max: number;
  readonly failed: number;
  readonly runs: number;
  /** Memory of the whole platform, where that is what was measured. */
  readonly mib?: number;
}

/** The middle value; the lower one of two. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
};

/** The value below which that share of the sorted values lies. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

/** Sums up the runs of one cell. */
export const rowOf = (cell: Pick<Row, 'case' | 'side' | 'concurrency'>, runs: readonly LoadResult[]): Row => ({
  ...cell,
  rps: median(runs.map((run) => run.rps)),
  p50_ms: median(runs.map((run) => run.p50Ms)),
  p95_ms: median(runs.map((run) => run.p95Ms)),
  p99_ms: median(runs.map((run) => run.p99Ms)),
  rps_min: Math.min(...runs.map((run) => run.rps)),
  rps_max: Math.max(...runs.map((run) => run.rps)),
  failed: runs.reduce((sum, run) => sum + run.failed, 0),
  runs: runs.length,
});

/** A bound that the product keeps against the floor of the same run, or by itself. */
export interface Bound {
  readonly name: string;
  /** What was measured; null when the cell was not run. */
  readonly value: number | null;
  readonly limit: number;
  /** `max`: the value may not be above the limit. */
  readonly kind: 'min' | 'max';
}

const find = (rows: readonly Row[], name: string, side: Row['side'], concurrency: number): Row | undefined =>
  rows.find((row) => row.case === name && row.side === side && row.concurrency === concurrency);

const product = (rows: readonly Row[], name: string, concurrency: number): Row | undefined =>
  find(rows, name, 'product', concurrency);

const quotient = (above: number | undefined, below: number | undefined): number | null =>
  above === undefined || below === undefined ? null : above / below;

const ratio = (
  rows: readonly Row[],
  name: string,
  concurrency: number,
  field: 'rps' | 'p50_ms' | 'p99_ms',
): number | null => {
  return quotient(product(rows, name, concurrency)?.[field], find(rows, name, 'floor', concurrency)?.[field]);
};

const atLeast = (name: string, value: number | null, limit: number): Bound => ({ name, value, limit, kind: 'min' });
const atMost = (name: string, value: number | null, limit: number): Bound => ({ name, value, limit, kind: 'max' });

/** Requests a second of one case of the product, times another's. */
const times = (rows: readonly Row[], above: string, below: string, concurrency: number): number | null =>
  quotient(product(rows, above, concurrency)?.rps, product(rows, below, concurrency)?.rps);

const restBounds = (rows: readonly Row[]): readonly Bound[] => [
  atMost('REST p50 at c=1, times the floor', ratio(rows, 'rest', 1, 'p50_ms'), 1.3),
  atLeast('REST calls/s at c=32, of the floor', ratio(rows, 'rest', 32, 'rps'), 0.75),
  atLeast('REST calls/s at c=128, of the floor', ratio(rows, 'rest', 128, 'rps'), 0.8),
  atMost('REST p99 at c=32, times the floor', ratio(rows, 'rest', 32, 'p99_ms'), 2),
  atLeast('inbox to replies records/s, of the floor', ratio(rows, 'stream', 0, 'rps'), 0.75),
];

const sandboxBounds = (rows: readonly Row[]): readonly Bound[] => [
  atMost('executor beside the runner, p50 ms', product(rows, 'executor-overhead', 1)?.p50_ms ?? null, 0.3),
  atMost('first call of a build, p95 ms', product(rows, 'cold', 1)?.p95_ms ?? null, 250),
  atMost('the same, prewarmed, p95 ms', product(rows, 'prewarmed', 1)?.p95_ms ?? null, 100),
  atLeast(
    'isolation call at c=8 with 1 ms and 80 MB, of isolation account',
    times(rows, 'isolation-call', 'isolation-account', 8),
    0.5,
  ),
  atMost('200 idle Python sandboxes, MiB', product(rows, 'density', 200)?.mib ?? null, 8192),
];

/** What the product promises of its speed. */
export const boundsOf = (rows: readonly Row[]): readonly Bound[] => [
  ...restBounds(rows),
  atLeast('two executors on a sleeping algorithm, times one', times(rows, 'executors-2', 'executors-1', 64), 1.8),
  ...sandboxBounds(rows),
  atMost('memory after the demonstration, MiB', product(rows, 'memory', 0)?.mib ?? null, 1024),
];

/** True when the bound is kept; a cell that was not run does not keep it. */
export const isKept = ({ value, limit, kind }: Bound): boolean =>
  value !== null && (kind === 'max' ? value <= limit : value >= limit);
