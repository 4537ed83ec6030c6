import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Places } from '../../src/ingress/places/places.ts';
import { PlatformError } from '../../src/kernel/errors.ts';

const codeOf = async (taking: () => Promise<void> | undefined): Promise<string> => {
  try {
    await taking();
  } catch (error) {
    if (error instanceof PlatformError) return error.code;
    throw error;
  }
  return 'taken';
};

/** What every driver of {@link Places} must do, with three places for each account. */
export const placesConformance = (driver: string, open: (max: number) => Promise<Places>): void => {
  describe(`places: ${driver}`, () => {
    let places: Places;
    const take = async (account = 'ada'): Promise<string> => await codeOf(() => places.take(account));

    beforeEach(async () => {
      places = await open(3);
    });
    afterEach(async () => await places.close());

    it('lets an account have its places and refuses the next call', async () => {
      expect([await take(), await take(), await take()]).toEqual(['taken', 'taken', 'taken']);
      expect(await take()).toBe('INGRESS_ACCOUNT_BUSY');
    });

    it('says how many calls run, and what to do', async () => {
      for (let call = 0; call < 3; call += 1) await take();
      await expect(async () => await places.take('ada')).rejects.toThrow(
        /account ada has 3 calls running.*output=void/,
      );
    });

    it('takes a place that was given back', async () => {
      for (let call = 0; call < 3; call += 1) await take();
      places.giveBack('ada');
      expect(await take()).toBe('taken');
      expect(await take()).toBe('INGRESS_ACCOUNT_BUSY');
    });

    it('counts each account for itself', async () => {
      for (let call = 0; call < 3; call += 1) await take('ada');
      expect(await take('bert')).toBe('taken');
    });

    it('gives out no more than there are to calls that come at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, async () => await take()));
      expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(3);
    });

    it('stays exact over many rounds', async () => {
      for (let round = 0; round < 20; round += 1) {
        const outcomes = await Promise.all(Array.from({ length: 5 }, async () => await take()));
        expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(3);
        for (let call = 0; call < 3; call += 1) places.giveBack('ada');
      }
    });
  });
};
