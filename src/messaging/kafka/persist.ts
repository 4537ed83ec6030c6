import { type Clock, sleep } from '../../kernel/clock.ts';
import { isUnavailable } from './append-errors.ts';

export interface PersistOptions {
  readonly clock: Clock;
  /** After this long the last error is thrown. */
  readonly timeoutMs: number;
  readonly firstDelayMs?: number;
  readonly signal?: AbortSignal;
}

/** Attempts again, with growing pauses, as long as the errors are of kind `unavailable` and time is left. */
export const persist = async <Result>(options: PersistOptions, attempt: () => Promise<Result>): Promise<Result> => {
  const { clock, signal } = options;
  const endMs = clock.monotonicMs() + options.timeoutMs;
  for (let delayMs = options.firstDelayMs ?? 10; ; delayMs = Math.min(500, delayMs * 2)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isUnavailable(error) || clock.monotonicMs() >= endMs || signal?.aborted === true) throw error;
    }
    await sleep(clock, delayMs, signal);
  }
};
