import { describe, expect, it } from 'vitest';
import { type ErrorKind, messageActionOf, PlatformError } from './errors.ts';
import { drop, forward, next, park, retry } from './outcome.ts';
import { pipeline, type Step } from './pipeline.ts';

const double: Step<number, number> = { name: 'double', run: (value) => next(value * 2) };
const toText: Step<number, string> = {
  name: 'to-text',
  run: async (value) => await Promise.resolve(next(String(value))),
};
const throwing = (error: unknown): Step<number, number> => ({
  name: 'throwing',
  run: () => {
    throw error;
  },
});
const kinds = Object.keys(messageActionOf) as ErrorKind[];
const errorOf = (kind: ErrorKind): PlatformError =>
  new PlatformError('STEP_FAILED', kind, { message: `it is ${kind}` });

describe('a pipeline', () => {
  it('hands each step what the one before gave and ends with the last value', async () => {
    const steps = pipeline<number>('numbers').step(double).step(double).step(toText);
    expect(await steps.run(5)).toEqual({ step: 'to-text', outcome: next('20') });
    expect([steps.name, steps.steps]).toEqual(['numbers', ['double', 'double', 'to-text']]);
  });

  it('without steps gives back what came in', async () => {
    expect(await pipeline<number>('empty').run(7)).toEqual({ step: 'empty', outcome: next(7) });
  });

  it.each([forward('out'), drop('a copy'), park('broken', 'X_BROKEN'), retry('busy', 'X_BUSY', 10)])(
    'ends where a step says $kind, and names the step',
    async (outcome) => {
      const later: string[] = [];
      const decide: Step<number, number, string> = { name: 'decide', run: () => outcome };
      const after: Step<number, number> = {
        name: 'after',
        run: (value) => {
          later.push('ran');
          return next(value);
        },
      };
      const steps = pipeline<number>('numbers').step(double).step(decide).step(after);
      expect(await steps.run(1)).toEqual({ step: 'decide', outcome });
      expect(steps.runNow(1)).toEqual({ step: 'decide', outcome });
      expect(later).toEqual([]);
    },
  );

  it('is not changed by adding a step to it', async () => {
    const base = pipeline<number>('numbers').step(double);
    base.step(double);
    expect((await base.run(1)).outcome).toEqual(next(2));
  });

  it.each(kinds.filter((kind) => messageActionOf[kind] === 'park'))(
    'parks the message of a step that threw %s',
    async (kind) => {
      const steps = pipeline<number>('numbers').step(throwing(errorOf(kind)));
      const end = { step: 'throwing', outcome: { kind: 'park', reason: `it is ${kind}`, code: 'STEP_FAILED' } };
      expect(await steps.run(1)).toMatchObject(end);
      expect(steps.runNow(1)).toMatchObject(end);
    },
  );

  it.each(kinds.filter((kind) => messageActionOf[kind] === 'retry'))('tries again after %s', async (kind) => {
    const steps = pipeline<number>('numbers').step(throwing(errorOf(kind)));
    const end = { step: 'throwing', outcome: { kind: 'retry', reason: `it is ${kind}`, code: 'STEP_FAILED' } };
    expect(await steps.run(1)).toMatchObject(end);
    expect(steps.runNow(1)).toMatchObject(end);
  });

  it.each([errorOf('internal'), new TypeError('a bug')])('throws a bug on: %s', (error) => {
    const steps = pipeline<number>('numbers').step(throwing(error));
    expect(() => steps.run(1)).toThrow(error);
    expect(() => steps.runNow(1)).toThrow(error);
  });

  it('takes a rejection as what it is thrown for', async () => {
    const rejecting: Step<number, number> = {
      name: 'rejecting',
      run: async () => await Promise.reject(errorOf('unavailable')),
    };
    expect((await pipeline<number>('numbers').step(rejecting).run(1)).outcome.kind).toBe('retry');
  });

  it('cannot be run at once when one of its steps waits', () => {
    const steps = pipeline<number>('numbers').step(double).step(toText);
    expect(() => steps.runNow(1)).toThrow('a step of numbers waits');
    expect(pipeline<number>('numbers').step(double).runNow(4)).toEqual({ step: 'double', outcome: next(8) });
  });
});
