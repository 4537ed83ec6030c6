import { type Static, Type } from 'typebox';
import { entityKind } from '../kernel/entity.ts';

/**
 * Accounts and their keys: the words that others use. An account is a user or an organisation; names are stored lower
 * case and matched without regard to case, `label` keeps the spelling that was given.
 */

const Role = Type.Union([Type.Literal('owner'), Type.Literal('member'), Type.Literal('executor')]);

export const accountKind = entityKind({
  kind: 'account',
  schema: Type.Object({
    id: Type.String(),
    name: Type.String(),
    label: Type.String(),
    type: Type.Union([Type.Literal('user'), Type.Literal('organisation')]),
    email: Type.Union([Type.String(), Type.Null()]),
    fullName: Type.Union([Type.String(), Type.Null()]),
    /** Fields of the vendor's organisation and user objects that are echoed, by their wire names. */
    profile: Type.Record(Type.String(), Type.Unknown()),
    /** For organisations: who belongs to it. Empty for users. */
    members: Type.Array(Type.Object({ account: Type.String(), role: Role })),
    /** Set when the account has topics: the key whose permissions its inbox is bound to, and its broker principal. */
    topics: Type.Union([Type.Object({ keyId: Type.String(), principal: Type.String() }), Type.Null()]),
    createdAtMs: Type.Number(),
  }),
  idOf: (account) => account.name,
});
export type Account = Static<typeof accountKind.schema>;

export const permissionsSchema = Type.Object({
  /** `*`, or algorithms as `owner/name` (lower case) or `owner/*`. Empty: may not call. */
  call: Type.Array(Type.String()),
  /** May create, build and publish algorithms of its account and of organisations where it is owner or member. */
  manage: Type.Boolean(),
  /** May administer the cluster. */
  admin: Type.Boolean(),
});
export type Permissions = Static<typeof permissionsSchema>;

export const keyKind = entityKind({
  kind: 'key',
  schema: Type.Object({
    id: Type.String(),
    account: Type.String(),
    label: Type.String(),
    /** SHA-256 of the key, hex. The key itself is nowhere. */
    hash: Type.String(),
    permissions: permissionsSchema,
    createdAtMs: Type.Number(),
    revokedAtMs: Type.Union([Type.Number(), Type.Null()]),
  }),
  idOf: (key) => key.id,
});
export type Key = Static<typeof keyKind.schema>;

/** Who calls: the account and the key that proved it. */
export interface Caller {
  readonly account: Account;
  readonly key: Key;
}

/** Questions that programs ask of the accounts; answered from memory. */
export interface Accounts {
  /** The caller of that key as sent, or null. Compares hashes in constant time. */
  authenticate(key: string): Caller | null;
  account(name: string): Account | null;
  key(id: string): Key | null;
  keysOf(account: string): readonly Key[];
  /** Users that are no organisation, and organisations, by name. */
  list(type: Account['type']): readonly Account[];
  /** True when the key's permissions allow calling that algorithm. Visibility is the catalog's question. */
  mayCall(permissions: Permissions, algorithm: { readonly owner: string; readonly name: string }): boolean;
  /** True when the caller may manage what `owner` owns: itself, its organisation as owner or member, or as admin. */
  mayManage(caller: Caller, owner: string): boolean;
  /** True when `account` is `owner` or belongs to that organisation in any role. */
  belongsTo(account: string, owner: string): boolean;
}
