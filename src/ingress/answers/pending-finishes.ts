import { type Clock, sleep } from '../../kernel/clock.ts';
import type { Place } from '../../messaging/messaging.ts';

/** A result that stands in the log, to be written to the index. */
export interface Finish {
  readonly id: string;
  readonly place: Place;
  readonly key: { readonly account: string; readonly idempotencyKey: string } | null;
}

export interface PendingFinishesOptions {
  readonly clock: Clock;
  readonly write: (finish: Finish) => Promise<void>;
  /** More wait than may: the index misses results from then on. */
  readonly onOverflow: () => void;
}

/** Results on their way to the index: told at once, written soon, and again when that fails. */
export interface PendingFinishes {
  add(finish: Finish): void;
  /** One that is not written yet. */
  get(id: string): Finish | undefined;
  /** Resolves when all is written, or after two seconds. */
  close(): Promise<void>;
}

const writtenAtOnce = 500;
const waitingMax = 200_000;
const retryAfterMs = 250;
const closeWithinMs = 2_000;

export const createPendingFinishes = ({ clock, write, onOverflow }: PendingFinishesOptions): PendingFinishes => {
  const waiting = new Map<string, Finish>();
  let writing: Promise<void> | null = null;
  let closed = false;

  const writeSome = async (): Promise<void> => {
    const some = [...waiting.values()].slice(0, writtenAtOnce);
    const outcomes = await Promise.allSettled(some.map(async (finish) => await write(finish)));
    for (const [index, finish] of some.entries()) {
      // A later place of the same id is still to be written.
      if (outcomes[index]?.status === 'fulfilled' && waiting.get(finish.id) === finish) waiting.delete(finish.id);
    }
    if (outcomes.some(({ status }) => status === 'rejected')) await sleep(clock, retryAfterMs);
  };
  const writeAll = async (): Promise<void> => {
    while (waiting.size > 0 && !closed) await writeSome();
    writing = null;
  };
  return {
    add: (finish) => {
      if (waiting.size >= waitingMax) {
        onOverflow();
        return;
      }
      waiting.set(finish.id, finish);
      writing ??= writeAll();
    },
    get: (id) => waiting.get(id),
    close: async () => {
      const late = new AbortController();
      const { signal } = late;
      await Promise.race([writing, sleep(clock, closeWithinMs, signal)]);
      late.abort();
      closed = true;
    },
  };
};
