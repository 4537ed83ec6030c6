import { Type } from 'typebox';
import type { Key, Permissions } from '../../accounts/accounts.ts';

/** The vendor's objects for API keys. */

const PermissionFields = Type.Object({
  allow_algo: Type.Optional(Type.Boolean()),
  algo_acl: Type.Optional(Type.Array(Type.String())),
  allow_algo_management: Type.Optional(Type.Boolean()),
});

export const KeyFields = Type.Object({
  key_label: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
  key_type: Type.Optional(Type.String()),
  permissions: Type.Optional(PermissionFields),
});

export const ApiKeyObject = Type.Object({
  id: Type.String(),
  username: Type.String(),
  owner_name: Type.String(),
  key_label: Type.String(),
  created_at: Type.String(),
  api_key_mask: Type.String(),
  api_key: Type.Optional(Type.String()),
  key_type: Type.String(),
  permissions: Type.Object({
    allow_algo: Type.Boolean(),
    algo_acl: Type.Array(Type.String()),
    allow_algo_management: Type.Boolean(),
  }),
});

const adminTypes = new Set(['PlatformAdminKey', 'ManagementKey']);
const aclPattern = /^(?:algo:\/\/)?([^/]+)(?:\/([^/]+))?(?:\/\*)?$/;

/** `algo://*`, `algo://owner/*`, `algo://owner/name/*` as our `*`, `owner/*`, `owner/name`. Others name nothing. */
const fromAcl = (text: string): string[] => {
  const match = aclPattern.exec(text);
  const owner = match?.[1];
  if (owner === undefined) return [];
  if (owner === '*') return ['*'];
  return [`${owner.toLowerCase()}/${match?.[2]?.toLowerCase() ?? '*'}`];
};

const toAcl = (pattern: string): string => {
  if (pattern === '*') return 'algo://*';
  return pattern.endsWith('/*') ? `algo://${pattern}` : `algo://${pattern}/*`;
};

/** The permissions that a new key is to have; a standard key without restrictions calls everything and manages nothing. */
export const fromHttpPermissions = (fields: Type.Static<typeof KeyFields>): Permissions => {
  const { permissions } = fields;
  const call = permissions?.allow_algo === false ? [] : (permissions?.algo_acl ?? ['algo://*']).flatMap(fromAcl);
  return {
    call,
    manage: permissions?.allow_algo_management ?? false,
    admin: adminTypes.has(fields.key_type ?? ''),
  };
};

/** Our key as the vendor's; `text` only in the answer to who made it. */
export const toHttpKey = (key: Key, text: string | null): Type.Static<typeof ApiKeyObject> => ({
  id: key.id,
  username: key.account,
  owner_name: key.account,
  key_label: key.label,
  created_at: new Date(key.createdAtMs).toISOString(),
  api_key_mask: text === null ? 'sim*****' : `${text.slice(0, 6)}*****`,
  ...(text === null ? {} : { api_key: text }),
  key_type: key.permissions.admin ? 'PlatformAdminKey' : 'AlgorithmKey',
  permissions: {
    allow_algo: key.permissions.call.length > 0,
    algo_acl: key.permissions.call.map(toAcl),
    allow_algo_management: key.permissions.manage,
  },
});
