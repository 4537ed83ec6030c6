import { describe, expect, it } from 'vitest';
import { asPlatformError, defineErrors, httpStatusOf, messageActionOf, PlatformError } from './errors.ts';

describe('kinds of errors', () => {
  it('each have a status of HTTP and an action for messages', () => {
    expect(Object.keys(httpStatusOf).sort()).toEqual(Object.keys(messageActionOf).sort());
    expect(Object.keys(httpStatusOf)).toHaveLength(10);
  });

  it('are told apart by their status', () => {
    const statuses = Object.values(httpStatusOf);
    expect(new Set(statuses).size).toBe(statuses.length);
    expect(statuses.every((status) => status >= 400 && status < 600)).toBe(true);
  });

  it('end the process for bugs only, and park what another attempt would not repair', () => {
    const kindsOf = (action: string): string[] =>
      Object.entries(messageActionOf).flatMap(([kind, each]) => (each === action ? [kind] : []));
    expect(kindsOf('crash')).toEqual(['internal']);
    expect(kindsOf('retry').sort()).toEqual(['cancelled', 'limit', 'timeout', 'unavailable']);
    expect(kindsOf('park').sort()).toEqual(['conflict', 'forbidden', 'invalid', 'not-found', 'unauthenticated']);
  });
});

describe('a catalogue of errors', () => {
  const errors = defineErrors('CALL', { TOO_LATE: 'timeout', NO_KEY: 'unauthenticated' });

  it('makes errors with the full code, the kind and what is given', () => {
    const cause = new Error('below');
    const error = errors.TOO_LATE({ message: 'Nobody waits any more.', details: { lateMs: 5 }, cause });
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({
      code: 'CALL_TOO_LATE',
      kind: 'timeout',
      message: 'Nobody waits any more.',
      details: { lateMs: 5 },
      cause,
    });
  });

  it('gives an error without particulars none', () => {
    expect(errors.NO_KEY({ message: 'no key' }).details).toEqual({});
  });

  it('lists its codes by their full names', () => {
    expect(errors.codes).toEqual({ CALL_TOO_LATE: 'timeout', CALL_NO_KEY: 'unauthenticated' });
  });
});

describe('what was thrown', () => {
  it("is passed on when it is the platform's own", () => {
    const error = new PlatformError('A_B', 'conflict', { message: 'taken' });
    expect(asPlatformError(error)).toBe(error);
  });

  it('is wrapped as an internal error otherwise, with its message', () => {
    const bug = new TypeError('x is not a function');
    expect(asPlatformError(bug)).toMatchObject({
      code: 'INTERNAL',
      kind: 'internal',
      message: bug.message,
      cause: bug,
    });
    expect(asPlatformError('a text')).toMatchObject({ kind: 'internal', message: 'a text' });
  });
});
