import type { Static, TSchema } from 'typebox';

/** A kind of entity of the control plane: its name on `control.state.v1`, its schema, and the id that keys it. */
export interface EntityKind<Schema extends TSchema = TSchema> {
  readonly kind: string;
  readonly schema: Schema;
  idOf(entity: Static<Schema>): string;
}

/** Declares a kind; the entity's type is inferred from the schema. */
export const entityKind = <Schema extends TSchema>(spec: EntityKind<Schema>): EntityKind<Schema> => spec;

/** Type of the entities of a kind. */
export type EntityOf<Kind extends EntityKind> = Static<Kind['schema']>;
