import { Type } from 'typebox';
import { type Account, accountKind, keyKind } from '../../accounts/accounts.ts';
import { accountsErrors } from '../../accounts/errors.ts';
import { usersByEmail } from '../indexes.ts';
import { put, type State } from '../state.ts';
import { requireAccount, requireAdmin, requireGovernorOf } from './actor.ts';
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

export const accountCommands = [create, enableTopics] as const;
