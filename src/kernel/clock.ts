/** Time as the program sees it. The real one is `platform/clock.ts`; tests and the simulation bring a virtual one. */
export interface Clock {
  /** Milliseconds since the epoch: for deadlines and records. May jump. */
  nowMs(): number;
  /** Milliseconds since some fixed moment, fractions included: for durations. Never goes back. */
  monotonicMs(): number;
  /** Runs `run` once after `delayMs`. The returned function cancels; calling it late or twice does nothing. */
  after(delayMs: number, run: () => void): () => void;
}

/** Resolves after `delayMs` on this clock, at once when `signal` aborts. Never rejects. */
export const sleep = async (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> => {
  await new Promise<void>((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
};
