import { accountBusy } from './account-busy.ts';
import type { Places } from './places.ts';

/** Counts of one ingress: the limit holds for each of them. */
export const createMemoryPlaces = ({ max }: { readonly max: number }): Places => {
  const taken = new Map<string, number>();
  return {
    take: (account) => {
      const calls = taken.get(account) ?? 0;
      if (calls >= max) throw accountBusy(account, calls);
      taken.set(account, calls + 1);
      return undefined;
    },
    giveBack: (account) => {
      const calls = (taken.get(account) ?? 1) - 1;
      if (calls > 0) taken.set(account, calls);
      else taken.delete(account);
    },
    close: async () => {
      taken.clear();
      await Promise.resolve();
    },
  };
};
