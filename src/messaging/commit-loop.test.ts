import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../test/helpers/virtual-clock.ts';
import { type CommitAttempt, createCommitLoop } from './commit-loop.ts';

const everyMs = 50;

/** A loop whose attempts are noted, take `durationMs` and end as told (then committed). */
const open = (ends: CommitAttempt[] = [], durationMs = 0) => {
  const clock = createVirtualClock(0);
  const attempts: { readonly atMs: number; readonly parts: readonly string[] }[] = [];
  const loop = createCommitLoop<string>({
    clock,
    everyMs,
    attempt: async (parts) => {
      attempts.push({ atMs: clock.nowMs(), parts });
      if (durationMs > 0) await new Promise<void>((resolve) => clock.after(durationMs, resolve));
      return ends.shift() ?? 'committed';
    },
  });
  const flush = (part: string) => {
    const state = { done: false };
    void loop.flush(part).then(() => {
      state.done = true;
    });
    return state;
  };
  return { clock, attempts, loop, flush };
};

describe('the commit loop', () => {
  it('commits what was touched together, once, at the end of the interval', async () => {
    const { clock, attempts, loop } = open();
    loop.touch('a');
    await clock.advance(20);
    loop.touch('b');
    loop.touch('a');
    await clock.advance(1_000);
    expect(attempts).toEqual([{ atMs: 50, parts: ['a', 'b'] }]);
  });

  it('does nothing while nothing is touched', async () => {
    const { clock, attempts } = open();
    await clock.advance(10_000);
    expect(attempts).toEqual([]);
  });

  it('leaves four times as long as an attempt took to the work in between, half a second at most', async () => {
    const { clock, attempts, loop } = open([], 100);
    loop.touch('a');
    await clock.advance(160);
    loop.touch('a');
    await clock.advance(600);
    expect(attempts.map((each) => each.atMs)).toEqual([50, 560]);
    const slow = open([], 1_000);
    slow.loop.touch('a');
    await slow.clock.advance(1_051);
    slow.loop.touch('a');
    await slow.clock.advance(600);
    expect(slow.attempts.map((each) => each.atMs)).toEqual([50, 1_551]);
  });

  it('commits at once when somebody waits', async () => {
    const { clock, attempts, loop, flush } = open();
    loop.touch('a');
    await clock.advance(10);
    const waiter = flush('b');
    await clock.advance(0);
    expect(attempts).toEqual([{ atMs: 10, parts: ['a', 'b'] }]);
    expect(waiter.done).toBe(true);
  });

  it('does not count an attempt that ran already for who comes to wait', async () => {
    const { clock, attempts, loop, flush } = open([], 30);
    loop.touch('a');
    await clock.advance(60);
    const waiter = flush('a');
    await clock.advance(25);
    expect(waiter.done).toBe(false);
    await clock.advance(30);
    expect(waiter.done).toBe(true);
    expect(attempts.map((each) => each.atMs)).toEqual([50, 80]);
  });

  it('makes one attempt at a time and takes what was touched meanwhile along with the next', async () => {
    const { clock, attempts, loop } = open([], 200);
    loop.touch('a');
    await clock.advance(60);
    loop.touch('b');
    await clock.advance(1_000);
    expect(attempts).toEqual([
      { atMs: 50, parts: ['a'] },
      { atMs: 750, parts: ['b'] },
    ]);
  });

  it('tries again after growing pauses, never longer than two seconds, with everything that is not committed', async () => {
    const { clock, attempts, loop, flush } = open(Array.from({ length: 12 }, () => 'later'));
    const waiter = flush('a');
    await clock.advance(10);
    loop.touch('b');
    await clock.advance(30_000);
    const at = attempts.map((each) => each.atMs);
    const pauses = at.slice(1).map((each, index) => each - (at[index] ?? 0));
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000]);
    expect(attempts.slice(1).every((each) => each.parts.join('') === 'ab')).toBe(true);
    expect(waiter.done).toBe(true);
  });

  it('tries again at once when told to, if somebody waits', async () => {
    const { clock, attempts, flush } = open(['again', 'again']);
    const waiter = flush('a');
    await clock.advance(0);
    expect(attempts.map((each) => each.atMs)).toEqual([0, 0, 0]);
    expect(waiter.done).toBe(true);
  });

  it('lets go of who waits when it is stopped, after the attempt that runs', async () => {
    const { clock, attempts, loop, flush } = open(['later'], 100);
    const waiter = flush('a');
    await clock.advance(10);
    const stopped = loop.stop();
    expect(waiter.done).toBe(false);
    await clock.advance(100);
    await stopped;
    await clock.advance(10_000);
    expect(waiter.done).toBe(true);
    expect(attempts).toHaveLength(1);
  });

  it('is idle when the attempt that runs has ended, whatever waits', async () => {
    const { clock, loop } = open(['later'], 100);
    const state = { idle: false };
    loop.touch('a');
    await clock.advance(60);
    void loop.idle().then(() => {
      state.idle = true;
    });
    await clock.advance(80);
    expect(state.idle).toBe(false);
    await clock.advance(10);
    expect(state.idle).toBe(true);
  });
});
