import { type Static, Type } from 'typebox';
import { entityKind } from '../kernel/entity.ts';

/** Sandboxes of a build that are kept warm although nobody calls: by every executor of its pool, for one account. */
export const reservationKind = entityKind({
  kind: 'reservation',
  schema: Type.Object({
    algorithmId: Type.String(),
    /** OWNER/ALGO, for the reader. */
    algorithm: Type.String(),
    build: Type.String(),
    /** The version that was named; null for a build by its hash. */
    version: Type.Union([Type.String(), Type.Null()]),
    /** Whose calls they take; of no account where sandboxes are not kept apart by account. */
    account: Type.String(),
    min: Type.Integer({ minimum: 1, maximum: 64 }),
    setAtMs: Type.Number(),
    setBy: Type.String(),
  }),
  idOf: ({ algorithmId, build, account }) => `${algorithmId}/${build}/${account}`,
});
export type Reservation = Static<typeof reservationKind.schema>;
