import { accountBusy } from './account-busy.ts';
import { createLeases, type LeaseOptions, type Leases, newShare, type Share } from './leases.ts';
import type { Places } from './places.ts';

const renewEveryMs = 1_000;

const enter = (share: Share): void => {
  share.inside += 1;
  share.peak = Math.max(share.peak, share.inside);
};

/** Enters a call that finds no place at once. */
const createWaitingRoom = (leases: Leases, hasRoom: (share: Share) => boolean) => ({
  enter: async (share: Share): Promise<void> => {
    share.waiting += 1;
    try {
      // The question under way may not have counted this call.
      for (let asked = share.asking === null ? 1 : 0; asked < 2; asked += 1) {
        await leases.ask(share, { more: share.waiting, reserve: share.inside + share.waiting });
        if (!hasRoom(share)) continue;
        enter(share);
        return;
      }
      throw accountBusy(share.account, share.inside + (leases.away ? 0 : share.others));
    } finally {
      share.waiting -= 1;
    }
  },
});

/** Renews the leases of all shares each second; what is not used is given back. Returns how to stop it. */
const keepRenewing = (options: LeaseOptions, leases: Leases, shares: Map<string, Share>): (() => void) => {
  const renew = async (share: Share): Promise<void> => {
    if (share.asking !== null) return;
    const reserve = share.peak - share.inside;
    share.peak = share.inside;
    await leases.ask(share, { more: share.waiting, reserve });
    if (share.inside + share.waiting + share.granted === 0) shares.delete(share.account);
  };
  const tick = (): void => {
    for (const share of shares.values()) void renew(share);
    cancel = options.clock.after(renewEveryMs, tick);
  };
  let cancel = options.clock.after(renewEveryMs, tick);
  return () => {
    cancel();
  };
};

/**
 * Counts of all replicas that share a Redis. Each leases places for three seconds and renews them each second, so most
 * calls find one without asking, and a replica that dies gives its places back. A replica may hold places in reserve that
 * it does not use, for a second at most. While Redis is away the limit holds for each replica, as without it.
 */
export const createRedisPlaces = (options: LeaseOptions): Places => {
  const { max } = options;
  const leases = createLeases(options);
  const shares = new Map<string, Share>();
  const hasRoom = (share: Share): boolean =>
    leases.away ? share.inside < max : share.inside < share.granted && leases.holds(share);
  const waitingRoom = createWaitingRoom(leases, hasRoom);
  const stopRenewing = keepRenewing(options, leases, shares);

  return {
    take: (account) => {
      const share = shares.get(account) ?? newShare(account);
      shares.set(account, share);
      if (hasRoom(share)) {
        enter(share);
        return undefined;
      }
      if (leases.away) throw accountBusy(account, share.inside);
      return waitingRoom.enter(share);
    },
    giveBack: (account) => {
      const share = shares.get(account);
      if (share !== undefined) share.inside -= 1;
    },
    close: async () => {
      stopRenewing();
      const all = [...shares.values()];
      shares.clear();
      for (const share of all) share.inside = 0;
      await Promise.all(
        all.map(async (share) => {
          await share.asking;
          await leases.ask(share, { more: 0, reserve: 0 });
        }),
      );
    },
  };
};
