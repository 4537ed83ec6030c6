import { Type } from 'typebox';
import type { Account, Accounts, Caller } from '../../accounts/accounts.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { type CommandDoor, idempotencyKeyIn } from '../http/command-door.ts';
import { cutPage, pageOf, pageQuery } from '../http/paging.ts';
import type { HttpApp } from '../http/type-provider.ts';
import { toHttpUser, UserFields, UserObject } from '../objects/account-object.ts';
import { originOf } from './algorithms.ts';

export interface UserRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly commands: CommandDoor;
}

const CallerObject = Type.Object({ username: Type.String(), key_id: Type.String(), admin: Type.Boolean() });

const userOf = (accounts: Accounts, nameOrId: string): Account => {
  const id = nameOrId.toLowerCase();
  const user = accounts.account(nameOrId) ?? accounts.list('user').find((each) => each.id === id);
  if (user?.type === 'user') return user;
  throw ingressErrors.USER_UNKNOWN({ message: `there is no user ${nameOrId.slice(0, 60)}` });
};

const nameFixed = 3007;

/** What an update says; a name may be given, not changed. */
const changesIn = (name: string, fields: Partial<Type.Static<typeof UserFields>>): Record<string, unknown> => {
  const { username, email, fullname, company_name: companyName, company_role: companyRole } = fields;
  if (username !== undefined && username.toLowerCase() !== name) {
    const message = `username is ${username}, the path names ${name}: a user's name cannot be changed`;
    throw ingressErrors.BAD_REQUEST({ message, details: { vendorCode: nameFixed } });
  }
  return {
    ...(email === undefined ? {} : { email }),
    ...(fullname === undefined ? {} : { fullName: fullname }),
    profile: {
      ...(companyName === undefined ? {} : { company_name: companyName ?? '' }),
      ...(companyRole === undefined ? {} : { company_role: companyRole ?? '' }),
    },
  };
};

/** Users, and who the caller is. */
export const userRoutes = (app: HttpApp, { access, accounts, commands }: UserRoutesDeps): void => {
  app.get('/v1/caller', { schema: { response: { 200: CallerObject } } }, async (request) => {
    const { account, key } = await access.caller(request);
    return { username: account.name, key_id: key.id, admin: key.permissions.admin };
  });

  const listSchema = { querystring: Type.Object(pageQuery), response: { 200: pageOf(UserObject) } };
  app.get('/v1/users', { schema: listSchema }, async (request) => {
    await access.admin(request, 'account.list');
    const origin = originOf(request);
    const { limit, marker } = request.query;
    const items = accounts.list('user');
    const page = cutPage({ items, limit, marker, address: `${origin}/v1/users`, idOf: (user: Account) => user.name });
    return { ...page, results: page.results.map((user) => toHttpUser(user, origin)) };
  });

  app.post('/v1/users', { schema: { body: UserFields, response: { 200: UserObject } } }, async (request) => {
    const caller = await access.admin(request, 'account.create');
    const { username, email, fullname, company_name: companyName, company_role: companyRole } = request.body;
    const profile = { company_name: companyName ?? '', company_role: companyRole ?? '' };
    const body = { name: username, email, fullName: fullname ?? null, profile };
    await commands.send({ caller, name: 'account.create', body, idempotencyKey: idempotencyKeyIn(request.headers) });
    return toHttpUser(userOf(accounts, username), originOf(request));
  });

  /** Oneself, or anybody for administrators; denials look alike whether the user exists or not. */
  const demandSelf = (caller: Caller, nameOrId: string, action: string): void => {
    const wanted = nameOrId.toLowerCase();
    const self = wanted === caller.account.name || wanted === caller.account.id;
    access.demand(caller, self || caller.key.permissions.admin, { action, target: `account/${wanted}` });
  };
  const params = Type.Object({ name: Type.String() });
  app.get('/v1/users/:name', { schema: { params, response: { 200: UserObject } } }, async (request) => {
    const caller = await access.caller(request);
    demandSelf(caller, request.params.name, 'account.read');
    return toHttpUser(userOf(accounts, request.params.name), originOf(request));
  });

  const updateSchema = { params, body: Type.Partial(UserFields), response: { 200: UserObject } };
  app.put('/v1/users/:name', { schema: updateSchema }, async (request) => {
    const caller = await access.caller(request);
    demandSelf(caller, request.params.name, 'account.update');
    const { name } = userOf(accounts, request.params.name);
    const body = { name, ...changesIn(name, request.body) };
    await commands.send({ caller, name: 'account.update', body, idempotencyKey: idempotencyKeyIn(request.headers) });
    return toHttpUser(userOf(accounts, name), originOf(request));
  });

  app.delete('/v1/users/:name', { schema: { params } }, async (request, reply) => {
    const caller = await access.admin(request, 'account.delete');
    const { name } = userOf(accounts, request.params.name);
    await commands.send({ caller, name: 'account.delete', body: { name } });
    return await reply.code(204).send();
  });
};
