import type { EntityKind, EntityOf } from '../../src/kernel/entity.ts';
import { createEntityTable } from '../../src/messaging/entity-table.ts';
import type { EntityChange, StateView } from '../../src/messaging/state-view.ts';

/** A view without a log: what is put is seen at once. */
export interface TableView extends StateView {
  put<Kind extends EntityKind>(kind: Kind, ...entities: readonly EntityOf<Kind>[]): void;
  remove(kind: EntityKind, id: string): void;
}

export const createTableView = (kinds: readonly EntityKind[]): TableView => {
  const table = createEntityTable(kinds);
  const watchers = new Map<string, ((change: EntityChange) => void)[]>();
  const set = (kind: EntityKind, id: string, after: unknown): void => {
    const before = table.get(kind, id)?.value;
    if (after === undefined) table.delete(kind, id);
    else table.put(kind, id, { revision: 1, value: after });
    for (const watcher of watchers.get(kind.kind) ?? []) watcher({ id, before, after });
  };
  return {
    get: (kind, id) => table.get(kind, id)?.value,
    *all(kind) {
      for (const { value } of table.all(kind)) yield value;
    },
    watch: <Kind extends EntityKind>(kind: Kind, onChange: (change: EntityChange<Kind>) => void) => {
      const watcher: (change: EntityChange) => void = onChange;
      watchers.set(kind.kind, [...(watchers.get(kind.kind) ?? []), watcher]);
      for (const { value } of table.all(kind)) watcher({ id: kind.idOf(value), before: undefined, after: value });
    },
    barrier: async () => {
      await Promise.resolve();
    },
    ready: true,
    close: async () => {
      await Promise.resolve();
    },
    put: (kind, ...entities) => {
      for (const entity of entities) set(kind, kind.idOf(entity), entity);
    },
    remove: (kind, id) => {
      set(kind, id, undefined);
    },
  };
};
