import { Type } from 'typebox';
import { type Account, accountKind } from '../../accounts/accounts.ts';
import { accountsErrors } from '../../accounts/errors.ts';
import { put } from '../state.ts';
import { removeWithKeys, requireFreeName, requireNoAlgorithms } from './account.ts';
import {
  actorName,
  requireAccount,
  requireAdmin,
  requireGovernorOf,
  requireManager,
  requireOrganisation,
} from './actor.ts';
import { commandSpec } from './decision.ts';
import { AccountReference, AccountSpelling, Email, Profile } from './fields.ts';
import { vendorCodes } from './vendor-codes.ts';

type Members = Account['members'];

const Role = Type.Union([Type.Literal('owner'), Type.Literal('member'), Type.Literal('executor')]);

const requireAnOwner = (members: Members): void => {
  if (members.some(({ role }) => role === 'owner')) return;
  throw accountsErrors.LAST_OWNER({
    message: 'The last owner of an organization cannot be removed; make somebody else owner first.',
    details: { vendorCode: vendorCodes.lastOwner },
  });
};

const create = commandSpec({
  name: 'organisation.create',
  body: Type.Object({
    name: AccountSpelling,
    email: Type.Union([Email, Type.Null()]),
    profile: Type.Optional(Profile),
    /** First owner; default: who asks. Only administrators name another. */
    owner: Type.Optional(AccountReference),
  }),
  target: ({ name }) => `account/${name.toLowerCase()}`,
  decide: ({ state, actor, body, command, nowMs }) => {
    requireManager(actor);
    if (body.owner !== undefined) requireAdmin(actor);
    const name = requireFreeName(state, body.name, vendorCodes.organisationNameTaken);
    const owner = requireAccount(state, body.owner ?? actorName(actor));
    const organisation: Account = {
      id: command.id,
      name,
      label: body.name,
      type: 'organisation',
      email: body.email,
      fullName: null,
      profile: body.profile ?? {},
      members: [{ account: owner.name, role: 'owner' }],
      topics: null,
      createdAtMs: nowMs,
    };
    return { changes: [put(accountKind, organisation)], reply: organisation };
  },
});

const update = commandSpec({
  name: 'organisation.update',
  body: Type.Object({
    name: AccountReference,
    email: Type.Optional(Type.Union([Email, Type.Null()])),
    /** Fields to set; those not named stay. */
    profile: Type.Optional(Profile),
  }),
  target: ({ name }) => `account/${name.toLowerCase()}`,
  decide: ({ state, actor, body }) => {
    const before = requireOrganisation(state, body.name);
    requireGovernorOf(actor, before);
    const after: Account = {
      ...before,
      email: body.email === undefined ? before.email : body.email,
      profile: { ...before.profile, ...body.profile },
    };
    return { changes: [put(accountKind, after)], reply: after };
  },
});

const destroy = commandSpec({
  name: 'organisation.delete',
  body: Type.Object({ name: AccountReference }),
  target: ({ name }) => `account/${name.toLowerCase()}`,
  decide: ({ state, actor, body }) => {
    const organisation = requireOrganisation(state, body.name);
    requireGovernorOf(actor, organisation);
    requireNoAlgorithms(state, organisation);
    return { changes: removeWithKeys(state, organisation), reply: null };
  },
});

const putMember = commandSpec({
  name: 'organisation.member.put',
  body: Type.Object({
    organisation: AccountReference,
    account: AccountReference,
    /** Default: the present one, for newcomers `member`. */
    role: Type.Optional(Role),
  }),
  target: ({ organisation }) => `account/${organisation.toLowerCase()}`,
  decide: ({ state, actor, body }) => {
    const organisation = requireOrganisation(state, body.organisation);
    requireGovernorOf(actor, organisation);
    const { name: account } = requireAccount(state, body.account);
    const before = organisation.members.find((member) => member.account === account);
    const member = { account, role: body.role ?? before?.role ?? 'member' };
    const members = [...organisation.members.filter((each) => each.account !== account), member];
    requireAnOwner(members);
    const reply = { member, added: before === undefined };
    if (before?.role === member.role) return { reply };
    return { changes: [put(accountKind, { ...organisation, members })], reply, details: member };
  },
});

const deleteMember = commandSpec({
  name: 'organisation.member.delete',
  body: Type.Object({ organisation: AccountReference, account: AccountReference }),
  target: ({ organisation }) => `account/${organisation.toLowerCase()}`,
  decide: ({ state, actor, body }) => {
    const organisation = requireOrganisation(state, body.organisation);
    requireGovernorOf(actor, organisation);
    const account = body.account.toLowerCase();
    const members = organisation.members.filter((member) => member.account !== account);
    if (members.length === organisation.members.length) return { reply: { removed: false } };
    requireAnOwner(members);
    return {
      changes: [put(accountKind, { ...organisation, members })],
      reply: { removed: true },
      details: { account },
    };
  },
});

export const organisationCommands = [create, update, destroy, putMember, deleteMember] as const;
