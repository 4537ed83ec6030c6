import type { Random } from '../../src/kernel/random.ts';

/** Randomness that a seed repeats (xorshift, 32 bits). */
export interface SeededRandom extends Random {
  /** True once in `times`. */
  once(times: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
}

/** Makes a source; the same seed gives the same sequence. */
export const createSeededRandom = (seed: number): SeededRandom => {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  for (let warm = 0; warm < 8; warm += 1) next();
  const below = (bound: number): number => next() % bound;
  const hex = (digits: number): string => Array.from({ length: digits }, () => below(16).toString(16)).join('');
  return {
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
    below,
    once: (times) => below(times) === 0,
    pick: (items) => items[below(items.length)] ?? items[0],
  };
};
