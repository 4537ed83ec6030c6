import type { Clock } from '../kernel/clock.ts';

/** How one attempt to commit ended: durably, or to be repeated at once or after a pause. */
export type CommitAttempt = 'committed' | 'again' | 'later';

/**
 * Collects what has to be committed and commits it about every so often, one attempt at a time; less often where
 * attempts are slow, so that they do not take the time of the work.
 */
export interface CommitLoop<Part> {
  /** There is something to commit for `part`. */
  touch(part: Part): void;
  /** Resolves when an attempt that began after this call was committed; a running one does not count. Never rejects. */
  flush(part: Part): Promise<void>;
  /** Resolves when the attempt that runs now, if any, has ended. */
  idle(): Promise<void>;
  /** No further attempts; resolves everything that waits, after the running attempt. */
  stop(): Promise<void>;
}

export interface CommitLoopOptions<Part> {
  readonly clock: Clock;
  readonly everyMs: number;
  /** Commits the present state of the parts. Must not throw. */
  attempt(parts: readonly Part[]): Promise<CommitAttempt>;
}

/** An attempt holds new work up: of the time, at most one part in this many and one more goes to attempts. */
const workPerAttempt = 4;
/** Longest pause that slow attempts lead to: committed readers and takers-over wait for it. */
const stretchedMaxMs = 500;

const pauseMs = (failures: number): number => Math.min(2_000, 25 * 2 ** Math.min(failures, 7));

class TimedCommitLoop<Part> implements CommitLoop<Part> {
  readonly #options: CommitLoopOptions<Part>;
  #dirty = new Set<Part>();
  #waiting: (() => void)[] = [];
  #failures = 0;
  #running: Promise<void> | null = null;
  #stopped = false;
  /** How long the last attempt took. */
  #attemptMs = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(options: CommitLoopOptions<Part>) {
    this.#options = options;
  }

  touch(part: Part): void {
    this.#dirty.add(part);
    if (this.#cancelTimer === null && this.#running === null) this.#schedule();
  }

  async flush(part: Part): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#dirty.add(part);
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#stopped) {
      release(this.#waiting);
      this.#waiting = [];
      return;
    }
    if (this.#running !== null || (this.#dirty.size === 0 && this.#waiting.length === 0)) return;
    if (this.#waiting.length > 0 && this.#failures === 0) {
      this.#run();
      return;
    }
    const delayMs = this.#failures === 0 ? this.#usualDelayMs() : pauseMs(this.#failures);
    this.#cancelTimer ??= this.#options.clock.after(delayMs, () => {
      this.#run();
    });
  }

  #usualDelayMs(): number {
    return Math.max(this.#options.everyMs, Math.min(stretchedMaxMs, workPerAttempt * this.#attemptMs));
  }

  #cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #run(): void {
    this.#cancel();
    this.#running = this.#runOnce().then(() => {
      this.#running = null;
      this.#schedule();
    });
  }

  async #runOnce(): Promise<void> {
    const parts = this.#dirty;
    const resolvers = this.#waiting;
    this.#dirty = new Set();
    this.#waiting = [];
    const { clock } = this.#options;
    const beganMs = clock.monotonicMs();
    const end = await this.#options.attempt([...parts]);
    this.#attemptMs = clock.monotonicMs() - beganMs;
    if (end === 'committed') {
      this.#failures = 0;
      release(resolvers);
      return;
    }
    this.#dirty = new Set([...parts, ...this.#dirty]);
    this.#waiting = [...resolvers, ...this.#waiting];
    this.#failures = end === 'again' ? 0 : this.#failures + 1;
  }
}

const release = (resolvers: readonly (() => void)[]): void => {
  for (const resolve of resolvers) resolve();
};

/** Makes a loop; it does nothing until something is touched. */
export const createCommitLoop = <Part>(options: CommitLoopOptions<Part>): CommitLoop<Part> =>
  new TimedCommitLoop(options);
