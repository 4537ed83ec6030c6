import { randomInt, randomUUID } from 'node:crypto';
import type { Random } from '../kernel/random.ts';

/** Randomness of the operating system: fit for ids and for choices, and unpredictable. */
export const systemRandom: Random = {
  uuid: () => randomUUID(),
  below: (below) => randomInt(below),
};
