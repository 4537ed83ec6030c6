import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloudEventNames, deadNames, type Headers, headerNames, headerNumber, headerText } from './envelope.ts';

const headersOf = (...pairs: readonly (readonly [string, string])[]): Headers =>
  pairs.map(([name, text]) => [name, Buffer.from(text)]);

describe('headers', () => {
  it('are read as UTF-8, the first of a name counts', () => {
    const headers = headersOf(['a', 'grün'], ['b', '1'], ['a', 'later']);
    expect(headerText(headers, 'a')).toBe('grün');
    expect(headerText(headers, 'c')).toBeUndefined();
    expect(headerText([], 'a')).toBeUndefined();
  });

  it('are told apart by case, and an empty one is not a missing one', () => {
    expect(headerText(headersOf(['A', '']), 'a')).toBeUndefined();
    expect(headerText(headersOf(['a', '']), 'a')).toBe('');
  });

  it('give back every whole number that was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 15), max: 10 ** 15 }), (number) => {
        expect(headerNumber(headersOf(['n', String(number)]), 'n')).toBe(number);
      }),
    );
  });

  it.each(['', ' ', '1.5', '1e3', '0x10', '+1', '1 ', '--1', 'NaN', 'Infinity', '12345678901234567'])(
    'give no number for %j',
    (text) => {
      expect(headerNumber(headersOf(['n', text]), 'n')).toBeUndefined();
    },
  );

  it('give no number when missing', () => {
    expect(headerNumber([], 'n')).toBeUndefined();
  });

  it('have names of their own, so that no two meanings meet on a record', () => {
    const names = [headerNames, cloudEventNames, deadNames].flatMap((each) => Object.values(each));
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => name === name.toLowerCase())).toBe(true);
  });
});
