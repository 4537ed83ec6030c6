import { Type } from 'typebox';
import { type Account, accountKind, keyKind } from '../../accounts/accounts.ts';
import { accountsErrors } from '../../accounts/errors.ts';
import { algorithmsOfOwner, everyOrganisation, keysOfAccount, organisations, usersByEmail } from '../indexes.ts';
import { type Change, put, remove, type State } from '../state.ts';
import { requireAccount, requireAdmin, requireGovernorOf, requireUser } from './actor.ts';
import { commandSpec } from './decision.ts';
import { AccountReference, AccountSpelling, Email, Profile, Uuid } from './fields.ts';
import { vendorCodes } from './vendor-codes.ts';

/** Refuses a name that a user or an organisation has already. */
export const requireFreeName = (state: State, spelling: string, vendorCode: number): string => {
  const name = spelling.toLowerCase();
  if (state.get(accountKind, name) === undefined) return name;
  throw accountsErrors.NAME_TAKEN({ message: `The name ${spelling} is taken.`, details: { vendorCode } });
};

const requireFreeEmail = (state: State, email: string): void => {
  if (state.find(usersByEmail, email.toLowerCase()).length === 0) return;
  throw accountsErrors.EMAIL_TAKEN({
    message: `Another user has the address ${email}.`,
    details: { vendorCode: vendorCodes.emailTaken },
  });
};

const create = commandSpec({
  name: 'account.create',
  body: Type.Object({
    name: AccountSpelling,
    email: Type.Union([Email, Type.Null()]),
    fullName: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    profile: Type.Optional(Profile),
  }),
  target: ({ name }) => `account/${name.toLowerCase()}`,
  decide: ({ state, actor, body, command, nowMs }) => {
    requireAdmin(actor);
    const name = requireFreeName(state, body.name, vendorCodes.usernameTaken);
    if (body.email !== null) requireFreeEmail(state, body.email);
    const account: Account = {
      id: command.id,
      name,
      label: body.name,
      type: 'user',
      email: body.email,
      fullName: body.fullName ?? null,
      profile: body.profile ?? {},
      members: [],
      topics: null,
      createdAtMs: nowMs,
    };
    return { changes: [put(accountKind, account)], reply: account };
  },
});

const update = commandSpec({
  name: 'account.update',
  body: Type.Object({
    name: AccountReference,
    /** May be given, not changed. */
    email: Type.Optional(Email),
    fullName: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    /** Fields to set; those not named stay. */
    profile: Type.Optional(Profile),
  }),
  target: ({ name }) => `account/${name.toLowerCase()}`,
  decide: ({ state, actor, body }) => {
    const before = requireUser(state, body.name);
    requireGovernorOf(actor, before);
    if (body.email !== undefined && body.email.toLowerCase() !== before.email?.toLowerCase()) {
      throw accountsErrors.EMAIL_FIXED({
        message: 'The e-mail address of a user cannot be changed.',
        details: { vendorCode: vendorCodes.emailFixed },
      });
    }
    const after: Account = {
      ...before,
      fullName: body.fullName === undefined ? before.fullName : body.fullName,
      profile: { ...before.profile, ...body.profile },
    };
    return { changes: [put(accountKind, after)], reply: after };
  },
});

/** What keeps an account from being deleted: what it owns would be nobody's. */
export const requireNoAlgorithms = (state: State, { name, label }: Account): void => {
  const algorithms = state.find(algorithmsOfOwner, name).length;
  if (algorithms === 0) return;
  throw accountsErrors.IN_USE({ message: `${label} owns ${algorithms} algorithms; delete them first.` });
};

/** The changes that remove an account with its keys. */
export const removeWithKeys = (state: State, { name }: Account): readonly Change[] => [
  ...state.find(keysOfAccount, name).map(({ id }) => remove(keyKind, id)),
  remove(accountKind, name),
];

/** The organisations that the user belongs to, without it. Refuses when one would have no owner. */
const withoutMember = (state: State, user: Account): readonly Change[] =>
  state
    .find(organisations, everyOrganisation)
    .filter(({ members }) => members.some(({ account }) => account === user.name))
    .map((organisation) => {
      const members = organisation.members.filter(({ account }) => account !== user.name);
      if (members.some(({ role }) => role === 'owner')) return put(accountKind, { ...organisation, members });
      throw accountsErrors.LAST_OWNER({
        message: `${user.label} is the last owner of ${organisation.label}; make somebody else owner first.`,
        details: { vendorCode: vendorCodes.lastOwner },
      });
    });

const destroy = commandSpec({
  name: 'account.delete',
  body: Type.Object({ name: AccountReference }),
  target: ({ name }) => `account/${name.toLowerCase()}`,
  decide: ({ state, actor, body }) => {
    requireAdmin(actor);
    const user = requireUser(state, body.name);
    requireNoAlgorithms(state, user);
    return { changes: [...withoutMember(state, user), ...removeWithKeys(state, user)], reply: null };
  },
});

const enableTopics = commandSpec({
  name: 'account.topics.enable',
  body: Type.Object({
    account: AccountReference,
    keyId: Uuid,
    principal: Type.String({ minLength: 1, maxLength: 200 }),
  }),
  target: ({ account }) => `account/${account.toLowerCase()}`,
  decide: ({ state, actor, body }) => {
    const account = requireAccount(state, body.account);
    requireGovernorOf(actor, account);
    const key = state.get(keyKind, body.keyId);
    if (key === undefined || key.account !== account.name || key.revokedAtMs !== null) {
      throw accountsErrors.KEY_NOT_FOUND({
        message: `${account.label} has no key ${body.keyId}; its topics need one whose permissions they take.`,
        details: { vendorCode: vendorCodes.invalidRequest },
      });
    }
    const enabled: Account = { ...account, topics: { keyId: body.keyId, principal: body.principal } };
    return {
      changes: [put(accountKind, enabled)],
      reply: enabled,
      details: { keyId: body.keyId, principal: body.principal },
    };
  },
});

export const accountCommands = [create, update, destroy, enableTopics] as const;
