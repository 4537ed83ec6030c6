import { Type } from 'typebox';

/** Forms of fields that several commands have. */

/** Name of an account as its holder spells it. It becomes part of topic names. */
export const AccountSpelling = Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9_]{0,29}$' });
/** Name of an account, any case. */
export const AccountReference = Type.String({ minLength: 1, maxLength: 30 });
export const Uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
});
export const Commit = Type.String({ pattern: '^[0-9a-f]{40}$' });
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
export const Email = Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$', maxLength: 254 });
export const Profile = Type.Record(Type.String(), Type.Unknown());
