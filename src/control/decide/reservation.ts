import { Type } from 'typebox';
import { buildKind } from '../../catalog/catalog.ts';
import { catalogErrors } from '../../catalog/errors.ts';
import { type Reservation, reservationKind } from '../../catalog/reservations.ts';
import { put, remove } from '../state.ts';
import { actorName, requireAccount, requireAdmin } from './actor.ts';
import { requireManagedAlgorithm } from './algorithm.ts';
import { commandSpec } from './decision.ts';
import { AccountReference, Commit, Uuid } from './fields.ts';
import { vendorCodes } from './vendor-codes.ts';

const set = commandSpec({
  name: 'reservation.set',
  body: Type.Object({
    algorithmId: Uuid,
    build: Commit,
    version: Type.Union([Type.String(), Type.Null()]),
    account: AccountReference,
    /** 0: none is kept any more. */
    min: Type.Integer({ minimum: 0, maximum: 64 }),
  }),
  target: ({ algorithmId, build, account }) => `reservation/${algorithmId}/${build}/${account.toLowerCase()}`,
  decide: ({ state, actor, body, nowMs }) => {
    // What is kept for one is missing to all others.
    requireAdmin(actor);
    const algorithm = requireManagedAlgorithm(state, actor, body.algorithmId);
    const { algorithmId, build: hash, version, min } = body;
    const account = requireAccount(state, body.account).name;
    if (state.get(buildKind, `${algorithmId}/${hash}`)?.status !== 'succeeded') {
      throw catalogErrors.BUILD_NOT_SUCCEEDED({
        message: `${algorithm.label} has no successful build ${hash}.`,
        details: { vendorCode: vendorCodes.badBuildStatus },
      });
    }
    const reservation: Reservation = {
      algorithmId,
      algorithm: `${algorithm.owner}/${algorithm.label}`,
      build: hash,
      version,
      account,
      min,
      setAtMs: nowMs,
      setBy: actorName(actor),
    };
    const change =
      min === 0 ? remove(reservationKind, reservationKind.idOf(reservation)) : put(reservationKind, reservation);
    return { changes: [change], reply: reservation, details: { min } };
  },
});

export const reservationCommands = [set] as const;
