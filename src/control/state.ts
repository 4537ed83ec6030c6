import type { EntityKind, EntityOf } from '../kernel/entity.ts';
import { createEntityTable, type StoredEntity } from '../messaging/entity-table.ts';

/** What decisions read: entities by id, and by secondary keys through declared indexes. */
export interface State {
  get<Kind extends EntityKind>(kind: Kind, id: string): EntityOf<Kind> | undefined;
  /** Entities whose key in that index is `key`, in no promised order. */
  find<Kind extends EntityKind>(index: StateIndex<Kind>, key: string): readonly EntityOf<Kind>[];
}

/** A secondary key of a kind; null leaves the entity out. */
export interface StateIndex<Kind extends EntityKind = EntityKind> {
  readonly name: string;
  readonly kind: Kind;
  keyOf(entity: EntityOf<Kind>): string | null;
}

/** Declares an index; the entity's type follows from the kind. */
export const stateIndex = <Kind extends EntityKind>(index: StateIndex<Kind>): StateIndex<Kind> => index;

/** An entity is put, or removed when `value` is undefined. */
export interface Change {
  readonly kind: EntityKind;
  readonly id: string;
  readonly value: unknown;
}

/** The change that puts an entity. */
export const put = <Kind extends EntityKind>(kind: Kind, entity: EntityOf<Kind>): Change => ({
  kind,
  id: kind.idOf(entity),
  value: entity,
});

/** The change that removes an entity. */
export const remove = (kind: EntityKind, id: string): Change => ({ kind, id, value: undefined });

/** A change with the revision that it gives the entity. */
export interface Revised {
  readonly kind: EntityKind;
  readonly id: string;
  readonly stored: StoredEntity | undefined;
}

/** State as it will be when the batch in work is committed. */
export interface Draft extends State {
  /** Adds changes, visible to this draft's readers from now on. */
  apply(changes: readonly Change[]): readonly Revised[];
}

/** The writer's state. It changes through {@link ControlState.commit} only. */
export interface ControlState extends State {
  draft(): Draft;
  /** Takes over what is committed in the log. */
  commit(changes: Iterable<Revised>): void;
}

/** Ids of the committed entities by the keys of one index. */
interface Index {
  readonly spec: StateIndex;
  readonly ids: Map<string, Set<string>>;
}

const reindex = ({ spec, ids }: Index, id: string, before: unknown, after: unknown): void => {
  const oldKey = before === undefined ? null : spec.keyOf(before);
  const newKey = after === undefined ? null : spec.keyOf(after);
  if (oldKey === newKey) return;
  if (oldKey !== null) {
    ids.get(oldKey)?.delete(id);
    if (ids.get(oldKey)?.size === 0) ids.delete(oldKey);
  }
  if (newKey !== null) ids.set(newKey, (ids.get(newKey) ?? new Set()).add(id));
};

const overlayKey = (kind: EntityKind, id: string): string => `${kind.kind}/${id}`;

/** Makes the state of these kinds with these indexes, empty. */
export const createControlState = (kinds: readonly EntityKind[], specs: readonly StateIndex[]): ControlState => {
  const table = createEntityTable(kinds);
  const indexes = new Map(specs.map((spec): [string, Index] => [spec.name, { spec, ids: new Map() }]));

  const idsOf = (index: StateIndex, key: string): Iterable<string> => {
    const known = indexes.get(index.name);
    if (known === undefined) throw new Error(`Index ${index.name} is not kept here`);
    return known.ids.get(key) ?? [];
  };
  const get = <Kind extends EntityKind>(kind: Kind, id: string): EntityOf<Kind> | undefined =>
    table.get(kind, id)?.value;
  const found = <Kind extends EntityKind>(kind: Kind, ids: Iterable<string>): EntityOf<Kind>[] =>
    [...ids].flatMap((id) => {
      const stored = table.get(kind, id);
      return stored === undefined ? [] : [stored.value];
    });

  const draft = (): Draft => {
    const pending = createEntityTable(kinds);
    const touched = new Map<string, Revised>();
    const isTouched = (kind: EntityKind, id: string): boolean => touched.has(overlayKey(kind, id));
    return {
      get: (kind, id) => (isTouched(kind, id) ? pending.get(kind, id)?.value : get(kind, id)),
      find: <Kind extends EntityKind>(index: StateIndex<Kind>, key: string) => {
        const committed = [...idsOf(index, key)].filter((id) => !isTouched(index.kind, id));
        const drafted = [...pending.all(index.kind)]
          .map(({ value }) => value)
          .filter((value) => index.keyOf(value) === key);
        return [...found(index.kind, committed), ...drafted];
      },
      apply: (changes) =>
        changes.map(({ kind, id, value }) => {
          const before = isTouched(kind, id) ? pending.get(kind, id) : table.get(kind, id);
          const stored = value === undefined ? undefined : { revision: (before?.revision ?? 0) + 1, value };
          if (stored === undefined) pending.delete(kind, id);
          else pending.put(kind, id, stored);
          const revised = { kind, id, stored };
          touched.set(overlayKey(kind, id), revised);
          return revised;
        }),
    };
  };

  return {
    get,
    find: (index, key) => found(index.kind, idsOf(index, key)),
    draft,
    commit: (changes) => {
      for (const { kind, id, stored } of changes) {
        const before = table.get(kind, id)?.value;
        if (stored === undefined) table.delete(kind, id);
        else table.put(kind, id, stored);
        for (const index of indexes.values()) {
          if (index.spec.kind.kind === kind.kind) reindex(index, id, before, stored?.value);
        }
      }
    },
  };
};
