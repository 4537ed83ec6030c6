import type { Catalog } from '../catalog/catalog.ts';
import { type Reservation, reservationKind } from '../catalog/reservations.ts';
import type { StateView } from '../messaging/state-view.ts';
import type { ClassKey } from './pool/class-key.ts';
import type { ReservedClass } from './pool/reserved.ts';
import { createResolveClass } from './resolve-class.ts';

/** The reservations of one pool. */
export interface Reservations {
  /** The classes to keep sandboxes of, as the catalog knows them now. */
  classes(): readonly ReservedClass[];
  /** How many of that class, as of the last {@link classes}. */
  min(classKey: ClassKey): number;
}

export const createReservations = (
  view: Pick<StateView, 'all'>,
  catalog: Pick<Catalog, 'algorithmById' | 'build' | 'environment'>,
  pool: string,
): Reservations => {
  const resolve = createResolveClass(catalog);
  let minima: ReadonlyMap<ClassKey, number> = new Map();
  const classOf = (reservation: Reservation): ReservedClass[] => {
    const sandboxClass = resolve(reservation);
    if (sandboxClass === null || sandboxClass.build.run.pool !== pool) return [];
    return [{ sandboxClass, min: reservation.min }];
  };
  return {
    classes: () => {
      const found = [...view.all(reservationKind)].flatMap(classOf);
      minima = new Map(found.map(({ sandboxClass, min }) => [sandboxClass.key, min]));
      return found;
    },
    min: (classKey) => minima.get(classKey) ?? 0,
  };
};
