import { describe, expect, it } from 'vitest';
import type { Clock } from '../kernel/clock.ts';
import { createEndBarrier } from './end-barrier.ts';
import { messagingErrors } from './errors.ts';

/** Lets every promise that can settle do so. */
const settle = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
};

const given = () => {
  let nowMs = 0;
  let position = 0n;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const questions: PromiseWithResolvers<bigint>[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, run) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const barrier = createEndBarrier({
    clock,
    timeoutMs: 10_000,
    position: () => position,
    endOffset: async () => {
      const question = Promise.withResolvers<bigint>();
      questions.push(question);
      return await question.promise;
    },
  });
  const states: string[] = [];
  const wait = (name: string): void => {
    barrier.wait().then(
      () => states.push(name),
      (error: unknown) => states.push(`${name} ${error instanceof Error && 'code' in error ? String(error.code) : ''}`),
    );
  };
  return {
    barrier,
    states,
    wait,
    questions,
    timers,
    moveTo: (next: bigint) => {
      position = next;
      barrier.moved();
    },
    pass: async (durationMs: number) => {
      nowMs += durationMs;
      for (const timer of [...timers]) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.run();
      }
      await settle();
    },
  };
};

describe('the barrier at the end of a log', () => {
  it('asks once for everybody who came before the question, and again for who came later', async () => {
    const { questions, states, wait } = given();
    wait('a');
    wait('b');
    wait('c');
    await settle();
    expect(questions).toHaveLength(1);
    questions[0]?.resolve(0n);
    await settle();
    expect(states).toEqual(['a']);
    expect(questions).toHaveLength(2);
    questions[1]?.resolve(0n);
    await settle();
    expect(states).toEqual(['a', 'b', 'c']);
  });

  it('opens when the reader has passed the end, markers included', async () => {
    const { questions, states, wait, moveTo, timers } = given();
    wait('a');
    questions[0]?.resolve(7n);
    moveTo(6n);
    await settle();
    expect(states).toEqual([]);
    moveTo(7n);
    await settle();
    expect(states).toEqual(['a']);
    expect(timers.size).toBe(0);
  });

  it('gives up after ten seconds', async () => {
    const { questions, states, wait, pass } = given();
    wait('a');
    questions[0]?.resolve(7n);
    await pass(9_999);
    expect(states).toEqual([]);
    await pass(1);
    expect(states).toEqual(['a MESSAGING_UNAVAILABLE']);
  });

  it('asks again when the broker does not answer', async () => {
    const { questions, states, wait, pass } = given();
    wait('a');
    questions[0]?.reject(new Error('no broker'));
    await settle();
    await pass(200);
    questions[1]?.resolve(0n);
    await settle();
    expect(states).toEqual(['a']);
  });

  it('knows how fresh the newest answer is that was reached', async () => {
    const { barrier, questions, wait, moveTo, pass } = given();
    expect(barrier.reachedAtMs).toBeNull();
    await pass(100);
    wait('a');
    questions[0]?.resolve(3n);
    await pass(500);
    moveTo(3n);
    expect(barrier.reachedAtMs).toBe(100);
  });

  it('tells everybody when it fails', async () => {
    const { barrier, states, wait } = given();
    wait('a');
    barrier.fail(messagingErrors.CLOSED({ message: 'closed' }));
    wait('b');
    await settle();
    expect(states.sort()).toEqual(['a MESSAGING_CLOSED', 'b MESSAGING_CLOSED']);
  });
});
