import type { Clock } from '../kernel/clock.ts';

/** How one attempt to commit ended: durably, or to be repeated at once or after a pause. */
export type CommitAttempt = 'committed' | 'again' | 'later';

/** Collects what has to be committed and commits it about every so often, one attempt at a time. */
export interface CommitLoop<Part> {
  /** There is something to commit for `part`. */
  touch(part: Part): void;
  /** Resolves when an attempt that began after this call was committed; a running one does not count. Never rejects. */
  flush(part: Part): Promise<void>;
  /** No further attempts; resolves everything that waits, after the running attempt. */
  stop(): Promise<void>;
}

export interface CommitLoopOptions<Part> {
  readonly clock: Clock;
  readonly everyMs: number;
  /** Commits the present state of the parts. Must not throw. */
  attempt(parts: readonly Part[]): Promise<CommitAttempt>;
}

const pauseMs = (failures: number): number => Math.min(2_000, 25 * 2 ** Math.min(failures, 7));

/** Makes a loop; it does nothing until something is touched. */
export const createCommitLoop = <Part>(options: CommitLoopOptions<Part>): CommitLoop<Part> => {
  const { clock, everyMs } = options;
  let dirty = new Set<Part>();
  let waiting: (() => void)[] = [];
  let failures = 0;
  let running: Promise<void> | null = null;
  let stopped = false;
  let cancelTimer: (() => void) | null = null;

  const release = (resolvers: readonly (() => void)[]): void => {
    for (const resolve of resolvers) resolve();
  };

  const runOnce = async (): Promise<void> => {
    const parts = dirty;
    const resolvers = waiting;
    dirty = new Set();
    waiting = [];
    const end = await options.attempt([...parts]);
    if (end === 'committed') {
      failures = 0;
      release(resolvers);
      return;
    }
    dirty = new Set([...parts, ...dirty]);
    waiting = [...resolvers, ...waiting];
    failures = end === 'again' ? 0 : failures + 1;
  };

  const run = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    running = runOnce().then(() => {
      running = null;
      schedule();
    });
  };

  const schedule = (): void => {
    if (stopped) {
      release(waiting);
      waiting = [];
      return;
    }
    if (running !== null || (dirty.size === 0 && waiting.length === 0)) return;
    if (waiting.length > 0 && failures === 0) {
      run();
      return;
    }
    cancelTimer ??= clock.after(failures === 0 ? everyMs : pauseMs(failures), run);
  };

  return {
    touch: (part) => {
      dirty.add(part);
      if (cancelTimer === null && running === null) schedule();
    },
    flush: async (part) => {
      await new Promise<void>((resolve) => {
        dirty.add(part);
        waiting.push(resolve);
        schedule();
      });
    },
    stop: async () => {
      stopped = true;
      cancelTimer?.();
      cancelTimer = null;
      await running;
      schedule();
    },
  };
};
