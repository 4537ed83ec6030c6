import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AcceptedCall, type Answers, resultGraceMs } from '../../src/ingress/answers/answers.ts';
import { limits } from '../../src/kernel/limits.ts';

/** An index under test, empty. */
export interface AnswersUnderTest {
  readonly answers: Answers;
  nowMs(): number;
  /** Lets so much time pass for what is remembered. */
  pass(durationMs: number): Promise<void>;
}

/** What every driver of {@link Answers} must do. */
export const answersConformance = (driver: string, open: () => Promise<AnswersUnderTest>): void => {
  describe(`answers: ${driver}`, () => {
    let under: AnswersUnderTest;
    let answers: Answers;
    const call = (id: string, idempotencyKey: string | null = null, account = 'ada'): AcceptedCall => ({
      id,
      account,
      idempotencyKey,
      algorithm: 'ada/echo',
      build: 'b1',
      version: null,
      acceptedAtMs: Math.round(under.nowMs()),
      deadlineMs: Math.round(under.nowMs()) + 10_000,
    });
    const place = { partition: 3, offset: 9_007_199_254_740_993n };
    const key = { account: 'ada', idempotencyKey: 'k' };

    beforeEach(async () => {
      under = await open();
      ({ answers } = under);
    });
    afterEach(async () => await answers.close());

    it('knows a call from its beginning, with all its particulars, and nothing of others', async () => {
      const one = call('one');
      expect(await answers.begin(one)).toBeNull();
      expect(await answers.byId('one')).toEqual({ kind: 'queued', call: one });
      expect(answers.isQueued('one')).toBe(true);
      expect(await answers.byId('two')).toBeNull();
      expect(answers.isQueued('two')).toBe(false);
    });

    it('knows the place of a finished call at once', async () => {
      await answers.begin(call('one'));
      answers.finish('one', place, null);
      expect(await answers.byId('one')).toEqual({ kind: 'finished', id: 'one', place });
      expect(answers.isQueued('one')).toBe(false);
    });

    it('takes finished calls that were begun elsewhere, and the last place of one that is told twice', async () => {
      answers.finish('one', { partition: 0, offset: 1n }, null);
      answers.finish('one', place, null);
      expect(await answers.byId('one')).toEqual({ kind: 'finished', id: 'one', place });
    });

    it('gives a key to one call, and that call to whoever comes with it later', async () => {
      const one = call('one', 'k');
      expect(await answers.begin(one)).toBeNull();
      expect(await answers.begin(call('two', 'k'))).toEqual({ kind: 'queued', call: one });
      expect(await answers.byId('two')).toBeNull();
      answers.finish('one', place, key);
      expect(await answers.begin(call('three', 'k'))).toEqual({ kind: 'finished', id: 'one', place });
    });

    it('gives a key to one of many calls that come at once', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => await answers.begin(call(`call-${index}`, 'k'))),
      );
      expect(outcomes.filter((outcome) => outcome === null)).toHaveLength(1);
    });

    it('keeps the keys of accounts apart', async () => {
      expect(await answers.begin(call('one', 'k', 'ada'))).toBeNull();
      expect(await answers.begin(call('two', 'k', 'bert'))).toBeNull();
      expect(await answers.begin(call('three', 'k\u0000', 'ada'))).toBeNull();
    });

    it('knows the key of a finished call that was begun elsewhere', async () => {
      answers.finish('one', place, key);
      await expect
        .poll(async () => await answers.begin(call('two', 'k')))
        .toEqual({ kind: 'finished', id: 'one', place });
    });

    it('frees the key of a call that was not published, and of that one only', async () => {
      await answers.begin(call('one', 'k'));
      await answers.forget('one');
      await answers.forget('never begun');
      expect(await answers.byId('one')).toBeNull();
      expect(await answers.begin(call('two', 'k'))).toBeNull();
      await answers.forget('one');
      expect(await answers.begin(call('three', 'k'))).toMatchObject({ kind: 'queued', call: { id: 'two' } });
    });

    it('frees the key of a call that ended without a result', async () => {
      await answers.begin(call('one', 'k'));
      await under.pass(10_000 + resultGraceMs / 2);
      expect(await answers.byId('one')).toMatchObject({ kind: 'queued' });
      await under.pass(resultGraceMs);
      expect(await answers.byId('one')).toBeNull();
      expect(await answers.begin(call('two', 'k'))).toBeNull();
    });

    it('forgets finished calls and their keys after their day', async () => {
      answers.finish('one', place, key);
      await expect.poll(async () => await answers.begin(call('two', 'k'))).not.toBeNull();
      await under.pass(limits.answersKeptMs + 60_000);
      expect(await answers.byId('one')).toBeNull();
      expect(await answers.begin(call('three', 'k'))).toBeNull();
    });
  });
};
