import { expect, test } from 'vitest';
import { attemptsMax, nextDelay } from './retry-policy.ts';

test('delays grow with the attempts and end', () => {
  expect(Array.from({ length: attemptsMax }, (_, index) => nextDelay(index + 1, 0)?.name ?? null)).toEqual([
    '1s',
    '10s',
    '1m',
    '10m',
    null,
  ]);
});

test('a wish for a longer delay is heard', () => {
  expect(nextDelay(1, 5_000)?.name).toBe('10s');
});

test('a wish beyond the longest delay gets the longest', () => {
  expect(nextDelay(1, 3_600_000)?.name).toBe('10m');
});
