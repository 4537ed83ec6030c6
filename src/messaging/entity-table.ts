import type { EntityKind, EntityOf } from '../kernel/entity.ts';

/** An entity as it is kept: its value and how often it was changed. */
export interface StoredEntity<Value = unknown> {
  readonly revision: number;
  readonly value: Value;
}

/** Entities of several kinds by id, typed by their kinds. Only checked values may be put. */
export interface EntityTable {
  get<Kind extends EntityKind>(kind: Kind, id: string): StoredEntity<EntityOf<Kind>> | undefined;
  /** Live, in the order in which the entities were first put. */
  all<Kind extends EntityKind>(kind: Kind): Iterable<StoredEntity<EntityOf<Kind>>>;
  put(kind: EntityKind, id: string, entity: StoredEntity): void;
  delete(kind: EntityKind, id: string): void;
}

/** Makes an empty table for these kinds. Asking it about another kind throws: that is a bug of the caller. */
export const createEntityTable = (kinds: readonly EntityKind[]): EntityTable => {
  const tables = new Map(kinds.map((kind) => [kind.kind, new Map<string, StoredEntity>()]));
  const tableOf = (kind: EntityKind): Map<string, StoredEntity> => {
    const table = tables.get(kind.kind);
    if (table === undefined) throw new Error(`Entities of kind ${kind.kind} are not kept here`);
    return table;
  };
  return {
    // What went in under a kind was checked against its schema, so it comes out with the kind's type.
    get: <Kind extends EntityKind>(kind: Kind, id: string) =>
      tableOf(kind).get(id) as StoredEntity<EntityOf<Kind>> | undefined,
    all: <Kind extends EntityKind>(kind: Kind) => tableOf(kind).values() as Iterable<StoredEntity<EntityOf<Kind>>>,
    put: (kind, id, entity) => {
      tableOf(kind).set(id, entity);
    },
    delete: (kind, id) => {
      tableOf(kind).delete(id);
    },
  };
};
