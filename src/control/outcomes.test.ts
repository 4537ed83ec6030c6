import { describe, expect, it } from 'vitest';
import type { StoredOutcome } from '../messaging/command-outcome.ts';
import { createOutcomeMemory } from './outcomes.ts';

const outcome = (id: string, atMs: number): StoredOutcome => ({ id, atMs, outcome: { kind: 'done', reply: id } });

describe('the memory of outcomes', () => {
  it('lets go of the oldest when there are too many', () => {
    const memory = createOutcomeMemory([outcome('b', 2), outcome('a', 1), outcome('c', 3)], {
      countMax: 3,
      keptMs: 1_000,
    });
    expect(memory.expired(10, 0, 10)).toEqual([]);
    expect(memory.expired(10, 2, 10)).toEqual(['a', 'b']);
    expect(memory.expired(10, 2, 1)).toEqual(['a']);
  });

  it('lets go of what is too old', () => {
    const memory = createOutcomeMemory([outcome('a', 0), outcome('b', 500)], { countMax: 10, keptMs: 1_000 });
    expect(memory.expired(1_000, 0, 10)).toEqual(['a']);
    memory.commit({ remembered: [outcome('c', 1_000)], forgotten: ['a'] });
    expect([memory.get('a'), memory.get('c')?.atMs]).toEqual([undefined, 1_000]);
  });
});
