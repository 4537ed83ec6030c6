import { type Account, accountKind, type Key, keyKind, type Permissions } from '../../accounts/accounts.ts';
import { accountsErrors } from '../../accounts/errors.ts';
import { mayGovern, mayGrant, mayManageOwner } from '../../accounts/permissions.ts';
import type { Command } from '../../kernel/contracts/contracts.gen.ts';
import { controlErrors } from '../errors.ts';
import type { State } from '../state.ts';
import { vendorCodes } from './vendor-codes.ts';

/**
 * Who asks. A role of the platform is trusted with everything but what belongs to another role, because only the
 * platform's own principals can write the topic of commands.
 */
export type Actor =
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'account'; readonly account: Account; readonly key: Key };

const rolePrefix = 'role:';

/** Finds out who asks. Refuses accounts whose key is unknown, revoked or another's. */
export const actorOf = (state: State, command: Command): Actor => {
  if (command.actor.startsWith(rolePrefix)) return { kind: 'role', role: command.actor.slice(rolePrefix.length) };
  const account = state.get(accountKind, command.actor);
  const key = command.keyId === null ? undefined : state.get(keyKind, command.keyId);
  if (account === undefined || key === undefined || key.account !== account.name || key.revokedAtMs !== null) {
    throw accountsErrors.KEY_UNKNOWN({
      message: 'The key is unknown or was revoked.',
      details: { vendorCode: vendorCodes.keyUnknown },
    });
  }
  return { kind: 'account', account, key };
};

/** Name under which changes are noted. */
export const actorName = (actor: Actor): string =>
  actor.kind === 'role' ? `${rolePrefix}${actor.role}` : actor.account.name;

const refuse = (): never => {
  throw accountsErrors.FORBIDDEN({
    message: 'Caller is not authorized to perform the operation',
    details: { vendorCode: vendorCodes.notAuthorized },
  });
};

/** The account of that name, any case. */
export const requireAccount = (state: State, name: string): Account => {
  const account = state.get(accountKind, name.toLowerCase());
  if (account !== undefined) return account;
  throw accountsErrors.ACCOUNT_NOT_FOUND({
    message: `There is no account ${name}.`,
    details: { vendorCode: vendorCodes.userNotFound },
  });
};

/** The user of that name, any case. */
export const requireUser = (state: State, name: string): Account => {
  const account = requireAccount(state, name);
  if (account.type === 'user') return account;
  throw accountsErrors.ACCOUNT_NOT_FOUND({
    message: `${name} is an organization, not a user.`,
    details: { vendorCode: vendorCodes.userNotFound },
  });
};

/** The organisation of that name, any case. */
export const requireOrganisation = (state: State, name: string): Account => {
  const account = state.get(accountKind, name.toLowerCase());
  if (account?.type === 'organisation') return account;
  throw accountsErrors.ACCOUNT_NOT_FOUND({
    message: `There is no organization ${name}.`,
    details: { vendorCode: vendorCodes.organisationNotFound },
  });
};

/** Refuses who is neither that role of the platform. */
export const requireRole = (actor: Actor, role: string): void => {
  if (actor.kind === 'role' && actor.role === role) return;
  throw controlErrors.ROLE_REQUIRED({
    message: `Only the platform's ${role} does this.`,
    details: { vendorCode: vendorCodes.notAuthorized },
  });
};

/** Refuses who is neither a role of the platform nor an administrator of the cluster. */
export const requireAdmin = (actor: Actor): void => {
  if (actor.kind === 'account' && !actor.key.permissions.admin) refuse();
};

/** Refuses who may not manage anything at all. */
export const requireManager = (actor: Actor): void => {
  if (actor.kind === 'account' && !actor.key.permissions.manage && !actor.key.permissions.admin) refuse();
};

/** Refuses who may not manage what `owner` owns. */
export const requireManagerOf = (actor: Actor, owner: Account): void => {
  if (actor.kind === 'account' && !mayManageOwner(actor, owner)) refuse();
};

/** True when the actor may decide about the account itself. */
export const governs = (actor: Actor, owner: Account): boolean => actor.kind === 'role' || mayGovern(actor, owner);

/** Refuses who may not decide about the account itself. */
export const requireGovernorOf = (actor: Actor, owner: Account): void => {
  if (!governs(actor, owner)) refuse();
};

/** Refuses who would hand out a permission that he does not have. */
export const requireGrantable = (actor: Actor, wanted: Permissions): void => {
  if (actor.kind === 'account' && !mayGrant(actor.key.permissions, wanted)) refuse();
};
