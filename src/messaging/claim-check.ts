import type { Clock } from '../kernel/clock.ts';
import { limits } from '../kernel/limits.ts';
import type { Random } from '../kernel/random.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import { dayOf, removeOldDays } from '../platform/blobs/days.ts';

const bodiesPrefix = 'bodies';

/** Body as it stands in a request or result: one of the two, or neither when there is no body. */
export interface CheckedBody {
  readonly body: Buffer | null;
  readonly bodyRef: string | null;
}

/** Keeps large bodies out of the log: the blob first, the record that refers to it second. */
export interface ClaimCheck {
  /** At once, up to `limits.inlineBodyBytes`, the body itself; above it the reference of a fresh blob. May be called concurrently. */
  put(body: Buffer): CheckedBody | Promise<CheckedBody>;
  /** The body wherever it lies; null when there is none. Throws `BLOBS_NOT_FOUND` when its day was removed. */
  get(message: CheckedBody): Promise<Buffer | null>;
  /** Removes bodies older than `limits.bodiesKeptMs` by whole days; returns those days. Call it now and then. */
  removeOld(): Promise<readonly string[]>;
}

export interface ClaimCheckDeps {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly random: Random;
}

/** Builds the claim check over that store. Readers need the same store. */
export const createClaimCheck = ({ blobs, clock, random }: ClaimCheckDeps): ClaimCheck => ({
  put: (body) => {
    if (body.length <= limits.inlineBodyBytes) return { body, bodyRef: null };
    const bodyRef = `${bodiesPrefix}/${dayOf(clock.nowMs())}/${random.uuid()}`;
    return blobs.put(bodyRef, body).then(() => ({ body: null, bodyRef }));
  },
  get: async ({ body, bodyRef }) => (bodyRef === null ? body : await blobs.read(bodyRef)),
  removeOld: async () =>
    await removeOldDays({ blobs, prefix: bodiesPrefix, nowMs: clock.nowMs(), keptMs: limits.bodiesKeptMs }),
});
