import { retryDelays } from '../../kernel/topics.ts';

type RetryDelay = (typeof retryDelays)[number];

/**
 * The delay before the next attempt: the shortest that is at least `afterMs`, and no shorter than the attempts so far
 * have earned. Null: it was tried often enough.
 */
export const nextDelay = (attempt: number, afterMs: number): RetryDelay | null => {
  if (attempt > retryDelays.length) return null;
  return retryDelays.slice(attempt - 1).find((delay) => delay.delayMs >= afterMs) ?? retryDelays.at(-1) ?? null;
};

/** Attempts of a record at most, the first one included. */
export const attemptsMax = retryDelays.length + 1;
