import { Type } from 'typebox';
import { entityKind } from '../kernel/entity.ts';
import type { ErrorKind } from '../kernel/errors.ts';

const errorKinds = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'limit',
  'unavailable',
  'timeout',
  'cancelled',
  'internal',
] as const satisfies readonly ErrorKind[];

/**
 * How a command ended, as an entity whose id is the command's. It stands in the log behind the entities that the
 * command changed, so whoever has read it holds the write; while it is kept, a repeated command is answered with it.
 */
export const outcomeKind = entityKind({
  kind: 'outcome',
  schema: Type.Object({
    id: Type.String(),
    atMs: Type.Number(),
    outcome: Type.Union([
      Type.Object({ kind: Type.Literal('done'), reply: Type.Unknown() }),
      Type.Object({
        kind: Type.Literal('refused'),
        code: Type.String(),
        error: Type.Enum(errorKinds),
        message: Type.String(),
        details: Type.Record(Type.String(), Type.Unknown()),
      }),
    ]),
  }),
  idOf: (outcome) => outcome.id,
});
export type StoredOutcome = Type.Static<typeof outcomeKind.schema>;
