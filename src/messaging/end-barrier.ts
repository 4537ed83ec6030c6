import { type Clock, sleep } from '../kernel/clock.ts';
import type { PlatformError } from '../kernel/errors.ts';
import { messagingErrors } from './errors.ts';

export interface EndBarrierOptions {
  readonly clock: Clock;
  /** Longest wait of one waiter. */
  readonly timeoutMs: number;
  /** Next offset that the reader will read. */
  position(): bigint;
  /** Asks the broker for the end of what is committed. */
  endOffset(): Promise<bigint>;
}

/** Lets callers wait until a reader has passed everything that was committed when they asked. */
export interface EndBarrier {
  /** Throws `MESSAGING_UNAVAILABLE` after the time-out, and what {@link fail} was given. May be called concurrently. */
  wait(): Promise<void>;
  /** The reader's position moved. */
  moved(): void;
  /** No one can wait here any more; present and later waiters are told so. */
  fail(error: PlatformError): void;
  /** Monotonic time of the newest question whose answer the reader has reached; null before the first. */
  readonly reachedAtMs: number | null;
}

interface Waiter {
  finish(error?: PlatformError): void;
  readonly finished: boolean;
}

/** Waiters whose question was answered with `end`. */
interface Round {
  readonly end: bigint;
  readonly askedAtMs: number;
  readonly waiters: readonly Waiter[];
}

const retryAfterMs = 200;

const createWaiter = (clock: Clock, timeoutMs: number): { readonly waiter: Waiter; readonly done: Promise<void> } => {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  let finished = false;
  const finish = (error?: PlatformError): void => {
    if (finished) return;
    finished = true;
    cancel();
    if (error === undefined) resolve(undefined);
    else reject(error);
  };
  const cancel = clock.after(timeoutMs, () => {
    finish(
      messagingErrors.UNAVAILABLE({
        message: `The end of the log was not reached within ${timeoutMs / 1000} s; try again later.`,
      }),
    );
  });
  return {
    done: promise,
    waiter: {
      finish,
      get finished() {
        return finished;
      },
    },
  };
};

/**
 * One question to the broker serves everyone who asked before it was sent; who comes while it is under way waits for
 * the next one, because the answer may be older than his call. So at most one is in flight however many wait.
 */
export const createEndBarrier = (options: EndBarrierOptions): EndBarrier => {
  const { clock } = options;
  let unasked: Waiter[] = [];
  /** Whose question is under way. */
  let inQuestion: readonly Waiter[] = [];
  let rounds: Round[] = [];
  let asking = false;
  let failure: PlatformError | null = null;
  let reachedAtMs: number | null = null;

  const settleRounds = (): void => {
    const position = options.position();
    const reached = rounds.filter((round) => round.end <= position);
    if (reached.length === 0) return;
    rounds = rounds.filter((round) => round.end > position);
    reachedAtMs = Math.max(reachedAtMs ?? 0, ...reached.map((round) => round.askedAtMs));
    for (const waiter of reached.flatMap((round) => round.waiters)) waiter.finish();
  };

  const ask = async (waiters: readonly Waiter[]): Promise<void> => {
    const askedAtMs = clock.monotonicMs();
    try {
      const end = await options.endOffset();
      rounds.push({ end, askedAtMs, waiters });
      settleRounds();
    } catch {
      // The broker may be back before the waiters' time is up.
      await sleep(clock, retryAfterMs);
      unasked.push(...waiters.filter((waiter) => !waiter.finished));
    }
  };

  const askAll = async (): Promise<void> => {
    asking = true;
    while (unasked.length > 0 && failure === null) {
      const waiters = unasked;
      unasked = [];
      inQuestion = waiters;
      await ask(waiters);
      inQuestion = [];
    }
    asking = false;
  };

  return {
    wait: async () => {
      if (failure !== null) throw failure;
      const { waiter, done } = createWaiter(clock, options.timeoutMs);
      unasked.push(waiter);
      if (!asking) void askAll();
      await done;
    },
    moved: settleRounds,
    fail: (error) => {
      failure ??= error;
      const inRounds = rounds.flatMap((round) => round.waiters);
      for (const waiter of [...unasked, ...inQuestion, ...inRounds]) waiter.finish(failure);
      unasked = [];
      rounds = [];
    },
    get reachedAtMs() {
      return reachedAtMs;
    },
  };
};
