import type { Account, Permissions } from './accounts.ts';

/** Rules of who may do what, as pure functions: the views of every process and the writer's decisions use the same. */

/** The member's role in an organisation; null for strangers and for users' own accounts. */
export const roleIn = (organisation: Account, account: string): Account['members'][number]['role'] | null =>
  organisation.members.find((member) => member.account === account)?.role ?? null;

/** True when `account` is `owner` or belongs to that organisation in any role. */
export const belongs = (account: string, owner: Account): boolean =>
  account === owner.name || roleIn(owner, account) !== null;

const covers = (pattern: string, wanted: string): boolean =>
  pattern === '*' || pattern === wanted || (pattern.endsWith('/*') && wanted.startsWith(pattern.slice(0, -1)));

/** True when the permissions name that algorithm (`owner` and `name` lower case). */
export const mayCallAlgorithm = (
  permissions: Permissions,
  algorithm: { readonly owner: string; readonly name: string },
): boolean => {
  const wanted = `${algorithm.owner}/${algorithm.name}`;
  return permissions.call.some((pattern) => covers(pattern, wanted));
};

/** Who acts, as far as the rules care. */
export interface Acting {
  readonly account: { readonly name: string };
  readonly key: { readonly permissions: Permissions };
}

/** True when the caller may manage what `owner` owns: itself, its organisation as owner or member, or as admin. */
export const mayManageOwner = ({ account, key }: Acting, owner: Account): boolean => {
  if (key.permissions.admin) return true;
  if (!key.permissions.manage) return false;
  const role = roleIn(owner, account.name);
  return account.name === owner.name || role === 'owner' || role === 'member';
};

/** True when the caller may decide about the account itself (members, keys, publishing to everybody), not only about what it owns. */
export const mayGovern = ({ account, key }: Acting, owner: Account): boolean => {
  if (key.permissions.admin) return true;
  return key.permissions.manage && (account.name === owner.name || roleIn(owner, account.name) === 'owner');
};

/** True when a key with `held` may hand out `wanted`: nobody can give what he does not have. Admins have everything. */
export const mayGrant = (held: Permissions, wanted: Permissions): boolean => {
  if (held.admin) return true;
  if (wanted.admin || (wanted.manage && !held.manage)) return false;
  return wanted.call.every((pattern) => held.call.some((own) => covers(own, pattern)));
};
