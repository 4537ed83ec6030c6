import type { Clock } from '../../src/kernel/clock.ts';

/** Time that moves only when told to: timers fire in order of their moments, between them everything else runs. */
export interface VirtualClock extends Clock {
  /** Moves on to the next timer and fires it; false when there is none. */
  step(): Promise<boolean>;
  /** Fires the timers of the next `durationMs` and stands at their end. */
  advance(durationMs: number): Promise<void>;
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Lets everything run that is ready, also what becomes ready by it: promises are empty when an immediate comes. */
const settle = async (): Promise<void> => {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
};

const isBefore = (left: Timer, right: Timer): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);

/** A clock that stands at `startMs` (default: some day in 2026). */
export const createVirtualClock = (startMs = 1_780_000_000_000): VirtualClock => {
  const timers = new Set<Timer>();
  let nowMs = startMs;
  let made = 0;

  const first = (): Timer | undefined => {
    let found: Timer | undefined;
    for (const timer of timers) if (found === undefined || isBefore(timer, found)) found = timer;
    return found;
  };

  const fire = async (timer: Timer): Promise<void> => {
    timers.delete(timer);
    nowMs = timer.atMs;
    timer.run();
    await settle();
  };

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, run) => {
      made += 1;
      const timer: Timer = { atMs: nowMs + Math.max(0, delayMs), order: made, run };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    step: async () => {
      await settle();
      const timer = first();
      if (timer === undefined) return false;
      await fire(timer);
      return true;
    },
    advance: async (durationMs) => {
      const endMs = nowMs + durationMs;
      await settle();
      for (let timer = first(); timer !== undefined && timer.atMs <= endMs; timer = first()) await fire(timer);
      nowMs = endMs;
    },
  };
};
