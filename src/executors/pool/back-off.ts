/** What is known of the failed preparations of a class; forgotten when one succeeds. */
export interface Failures {
  readonly count: number;
  /** Monotonic: no sandbox of the class is prepared before. */
  readonly untilMs: number;
}

const firstMs = 500;
const longestMs = 60_000;

/** After one more failure: half a second, doubled each time, a minute at most, so that a broken build does not spin. */
export const failedOnceMore = (failures: Failures | undefined, nowMs: number): Failures => {
  const count = (failures?.count ?? 0) + 1;
  return { count, untilMs: nowMs + Math.min(longestMs, firstMs * 2 ** Math.min(count - 1, 16)) };
};
