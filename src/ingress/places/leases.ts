import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Redis, RedisScript } from '../../platform/redis/redis.ts';

export interface LeaseOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Places of each account, of all replicas together. */
  readonly max: number;
  /** Distinct for each replica. */
  readonly replica: string;
  /** What is counted: stands in the keys. */
  readonly counted: string;
}

/** What one replica has of an account's places. */
export interface Share {
  readonly account: string;
  /** Calls inside here. */
  inside: number;
  /** Most that were inside at once since the last renewal. */
  peak: number;
  /** Calls that wait for an answer of Redis. */
  waiting: number;
  /** Places leased, those of the calls inside among them. */
  granted: number;
  /** Until when the lease holds, on the monotonic clock. */
  validUntilMs: number;
  /** Places leased by other replicas, when last heard of. */
  others: number;
  asking: Promise<void> | null;
}

/** How long a replica that died holds its places. */
const leaseMs = 3_000;
/** Our lease ends a little before the one that the others see. */
const marginMs = 200;

/**
 * A hash of each account: replica → "places:expires". What a replica holds is always granted, for those calls do run;
 * what it asks for more, while there is room; what it wants in reserve, at most half of what is then left.
 */
const lease: RedisScript = {
  name: 'millraceLease',
  keyCount: 1,
  text: `
local replica, held, more, reserve, max, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local places, expires = string.match(all[i + 1], '^(%d+):(%d+)$')
  if tonumber(expires) <= now then redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= replica then others = others + tonumber(places) end
end
local room = math.max(0, max - others - held)
local granted = math.min(more, room)
granted = held + granted + math.min(reserve, math.floor((room - granted) / 2))
if granted == 0 then redis.call('HDEL', KEYS[1], replica)
else
  redis.call('HSET', KEYS[1], replica, granted .. ':' .. string.format('%d', now + ttl))
  redis.call('PEXPIRE', KEYS[1], ttl * 2)
end
return { granted, others }`,
};

const isPair = (answer: unknown): answer is readonly [number, number] =>
  Array.isArray(answer) && answer.length === 2 && answer.every((each) => typeof each === 'number');

/** Places asked for beside those of the calls inside. */
export interface Wanted {
  /** For calls that wait. */
  readonly more: number;
  /** For calls that may come. */
  readonly reserve: number;
}

/** Leases of one replica. */
export interface Leases {
  /** True while Redis does not answer: then no lease means anything. */
  readonly away: boolean;
  /** Renews the share's lease; one question at a time for each, so it may be an earlier one that ends. Never rejects. */
  ask(share: Share, wanted: Wanted): Promise<void>;
  /** True while the lease of a share holds. */
  holds(share: Share): boolean;
}

export const createLeases = ({ redis, clock, logger, max, replica, counted }: LeaseOptions): Leases => {
  let away = false;
  const renew = async (share: Share, { more, reserve }: Wanted): Promise<void> => {
    const sentAtMs = clock.monotonicMs();
    const { inside: held, account } = share;
    // Who asks for less may use no more than that from now on: the answer may find others in what was left.
    share.granted = Math.min(share.granted, held + more + reserve);
    const answer = await redis.run(lease, [`${counted}:${account}`], [replica, held, more, reserve, max, leaseMs]);
    if (!isPair(answer)) throw new TypeError(`the lease script answered ${JSON.stringify(answer)}`);
    [share.granted, share.others] = answer;
    share.validUntilMs = sentAtMs + leaseMs - marginMs;
    if (away) logger.info({ event: 'places.shared-count' });
    away = false;
  };
  const failed = (error: unknown): void => {
    if (!away) logger.warn({ event: 'places.own-count', error: error instanceof Error ? error.message : 'unknown' });
    away = true;
  };
  return {
    get away() {
      return away;
    },
    ask: async (share, wanted) => {
      share.asking ??= renew(share, wanted)
        .catch(failed)
        .finally(() => {
          share.asking = null;
        });
      await share.asking;
    },
    holds: (share) => clock.monotonicMs() < share.validUntilMs,
  };
};

/** A share before anything was leased. */
export const newShare = (account: string): Share => ({
  account,
  inside: 0,
  peak: 0,
  waiting: 0,
  granted: 0,
  validUntilMs: 0,
  others: 0,
  asking: null,
});
