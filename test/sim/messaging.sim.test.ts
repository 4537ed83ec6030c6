import { describe, expect, it } from 'vitest';
import { plantedFaults } from './planted-faults.ts';
import { simulate } from './simulation.ts';

/** Seeds are run until this much real time has passed; replay one with `SIM_SEED=17 vitest run --project sim`. */
const budgetMs = 35_000;
const chosen = process.env['SIM_SEED'];

const describeSeed = (seed: number, end: Awaited<ReturnType<typeof simulate>>): string =>
  end.violations.length === 0 ? 'kept' : `seed ${seed}: ${JSON.stringify(end.violations.slice(0, 3))}`;

describe('the platform over the log in memory', () => {
  it('keeps its promises through kills, rebalances, lost sessions and an unsure network', async () => {
    if (chosen !== undefined) {
      expect(describeSeed(Number(chosen), await simulate(Number(chosen)))).toBe('kept');
      return;
    }
    const endMs = performance.now() + budgetMs;
    let seeds = 0;
    let steps = 0;
    for (let seed = 1; performance.now() < endMs && seeds < 400; seed += 1) {
      const end = await simulate(seed);
      expect(describeSeed(seed, end)).toBe('kept');
      seeds += 1;
      steps += end.steps;
    }
    console.log(`${seeds} seeds, ${steps} steps, every promise kept`);
    expect(seeds).toBeGreaterThan(5);
  });

  for (const [fault, pieces] of Object.entries(plantedFaults)) {
    it(`finds ${fault}`, async () => {
      let found = 'nothing found';
      for (let seed = 1; seed <= 40 && found === 'nothing found'; seed += 1) {
        const { violations } = await simulate(seed, pieces);
        if (violations[0] !== undefined) found = violations[0].promise;
      }
      expect(found).not.toBe('nothing found');
    });
  }
});
