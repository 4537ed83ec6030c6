import { type Static, Type } from 'typebox';
import { type Catalog, type Resolved } from '../../catalog/catalog.ts';
import { versionKey } from '../../catalog/lanes.ts';
import { type Reservation, reservationKind } from '../../catalog/reservations.ts';
import type { PresenceView } from '../../messaging/presence.ts';
import type { StateView } from '../../messaging/state-view.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import type { CommandDoor } from '../http/command-door.ts';
import type { HttpApp } from '../http/type-provider.ts';

export interface ReservationRoutesDeps {
  readonly access: Access;
  readonly catalog: Catalog;
  readonly commands: CommandDoor;
  readonly presence: PresenceView;
  readonly view: StateView;
}

const Fields = Type.Object({
  /** OWNER/ALGO[/VERSION] */
  algorithm: Type.String({ maxLength: 200 }),
  /** Default: the caller. */
  account: Type.Optional(Type.String({ maxLength: 30 })),
  /** Warm sandboxes that each executor keeps; 0: none any more. */
  min: Type.Integer({ minimum: 0, maximum: 64 }),
});
const ReservationObject = Type.Object({
  algorithm: Type.String(),
  version: Type.Union([Type.String(), Type.Null()]),
  build: Type.String(),
  account: Type.String(),
  min: Type.Number(),
  /** Sandboxes of the version that are warm or busy now, of all accounts. */
  warm: Type.Number(),
});

/** `GET` and `POST /v1/reservations`: sandboxes that are kept warm although nobody calls; for administrators. */
export const reservationRoutes = (app: HttpApp, deps: ReservationRoutesDeps): void => {
  const { access, catalog, commands, presence, view } = deps;

  const toHttp = (each: Omit<Reservation, 'setAtMs' | 'setBy'>): Static<typeof ReservationObject> => ({
    algorithm: each.algorithm,
    version: each.version,
    build: each.build,
    account: each.account,
    min: each.min,
    warm: presence.liveIn('executor').reduce((sum, { warm }) => sum + (warm[versionKey(each)] ?? 0), 0),
  });
  const resolve = (reference: string): Resolved => {
    const [owner = '', name = '', selector = null] = reference.replace(/^algo:\/\//, '').split('/');
    // As the owner: an administrator reserves for versions that he may not call himself.
    const resolved = catalog.resolve({ owner, name, selector, account: owner.toLowerCase() });
    if (resolved !== null) return resolved;
    throw ingressErrors.RESOURCE_UNKNOWN({ message: `there is no algorithm or version ${reference.slice(0, 120)}` });
  };

  app.get('/v1/reservations', { schema: { response: { 200: Type.Array(ReservationObject) } } }, async (request) => {
    await access.admin(request, 'reservation.list');
    return [...view.all(reservationKind)].map(toHttp);
  });

  app.post('/v1/reservations', { schema: { body: Fields, response: { 200: ReservationObject } } }, async (request) => {
    const caller = await access.admin(request, 'reservation.set');
    const { algorithm, build, version } = resolve(request.body.algorithm);
    const body = {
      algorithmId: algorithm.id,
      build: build.hash,
      version: version?.semantic ?? null,
      account: (request.body.account ?? caller.account.name).toLowerCase(),
      min: request.body.min,
    };
    await commands.send({ caller, name: 'reservation.set', body });
    return toHttp({ ...body, algorithm: `${algorithm.owner}/${algorithm.label}` });
  });
};
