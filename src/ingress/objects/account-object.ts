import { Type } from 'typebox';
import type { Account } from '../../accounts/accounts.ts';

/** The vendor's objects for users and organisations. */

const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]));

export const UserFields = Type.Object({
  username: Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9_]{0,29}$' }),
  email: Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$', maxLength: 254 }),
  fullname: Text,
  company_name: Text,
  company_role: Text,
});

export const UserObject = Type.Object({
  id: Type.String(),
  username: Type.String(),
  email: Type.String(),
  fullname: Type.String(),
  company_name: Type.String(),
  company_role: Type.String(),
  self_link: Type.String(),
  resource_type: Type.Literal('user'),
});
export type UserObject = Type.Static<typeof UserObject>;

const textIn = (profile: Account['profile'], name: string): string => {
  const value = profile[name];
  return typeof value === 'string' ? value : '';
};

/** Our user as the vendor's. */
export const toHttpUser = (account: Account, origin: string): UserObject => ({
  id: account.id,
  username: account.label,
  email: account.email ?? '',
  fullname: account.fullName ?? '',
  company_name: textIn(account.profile, 'company_name'),
  company_role: textIn(account.profile, 'company_role'),
  self_link: `${origin}/v1/users/${account.label}`,
  resource_type: 'user',
});

/** An organisation as sent: everything beyond the name is kept and echoed. */
export const OrganizationFields = Type.Object(
  { org_name: Type.Optional(Type.String()), org_email: Text },
  { additionalProperties: true },
);
export type OrganizationFields = Type.Static<typeof OrganizationFields>;

export const OrganizationObject = Type.Object(
  {
    id: Type.String(),
    org_name: Type.String(),
    org_created_at: Type.String(),
    resource_type: Type.Literal('organization'),
    self_link: Type.String(),
  },
  { additionalProperties: true },
);
export type OrganizationObject = Type.Static<typeof OrganizationObject>;

/** What of the sent object is kept as it is: not what is ours to say. */
export const profileIn = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const ours = new Set(['id', 'org_name', 'org_created_at', 'resource_type', 'self_link']);
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => !ours.has(name) && value !== undefined));
};

/** Our organisation as the vendor's. */
export const toHttpOrganization = (account: Account, origin: string): OrganizationObject => ({
  ...account.profile,
  id: account.id,
  org_name: account.label,
  org_created_at: new Date(account.createdAtMs).toISOString(),
  resource_type: 'organization',
  self_link: `${origin}/v1/organizations/${account.label}`,
});
