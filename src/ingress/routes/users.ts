import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import type { Account, Accounts, Caller, Key } from '../../accounts/accounts.ts';
import type { Random } from '../../kernel/random.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { type CommandDoor, idempotencyKeyIn } from '../http/command-door.ts';
import { cutPage, pageOf, pageQuery } from '../http/paging.ts';
import type { HttpApp } from '../http/type-provider.ts';
import { toHttpUser, UserFields, UserObject } from '../objects/account-object.ts';
import { ApiKeyObject, fromHttpPermissions, KeyFields, toHttpKey } from '../objects/key-object.ts';
import { originOf } from './algorithms.ts';

export interface UserRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly commands: CommandDoor;
  readonly random: Random;
}

const nameParams = Type.Object({ name: Type.String() });
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const keyCharacters = 30;

/** A fresh API key: `sim` and about 178 bits. Only its hash leaves this process, and itself to who asked. */
export const makeApiKey = (random: Random): { readonly text: string; readonly hash: string } => {
  let text = 'sim';
  for (let at = 0; at < keyCharacters; at += 1) text += alphabet.charAt(random.below(alphabet.length));
  return { text, hash: createHash('sha256').update(text).digest('hex') };
};

/** Users and API keys. */
export const userRoutes = (app: HttpApp, deps: UserRoutesDeps): void => {
  const { access, accounts, commands, random } = deps;

  const userOf = (nameOrId: string): Account => {
    const named =
      accounts.account(nameOrId) ?? accounts.list('user').find((user) => user.id === nameOrId.toLowerCase());
    if (named !== undefined && named.type === 'user') return named;
    throw ingressErrors.USER_UNKNOWN({ message: `there is no user ${nameOrId.slice(0, 60)}` });
  };
  /** Oneself, or anybody for administrators; denials look alike whether the user exists or not. */
  const demandSelf = (caller: Caller, nameOrId: string, action: string): void => {
    const wanted = nameOrId.toLowerCase();
    const self = wanted === caller.account.name || wanted === caller.account.id;
    access.demand(caller, self || caller.key.permissions.admin, { action, target: `account/${wanted}` });
  };

  app.get(
    '/v1/caller',
    {
      schema: {
        response: { 200: Type.Object({ username: Type.String(), key_id: Type.String(), admin: Type.Boolean() }) },
      },
    },
    async (request) => {
      const { account, key } = await access.caller(request);
      return { username: account.name, key_id: key.id, admin: key.permissions.admin };
    },
  );

  app.get(
    '/v1/users',
    { schema: { querystring: Type.Object(pageQuery), response: { 200: pageOf(UserObject) } } },
    async (request) => {
      await access.admin(request, 'account.list');
      const origin = originOf(request);
      const { limit, marker } = request.query;
      const page = cutPage({
        items: accounts.list('user'),
        limit,
        marker,
        address: `${origin}/v1/users`,
        idOf: (user: Account) => user.name,
      });
      return { ...page, results: page.results.map((user) => toHttpUser(user, origin)) };
    },
  );

  app.post('/v1/users', { schema: { body: UserFields, response: { 200: UserObject } } }, async (request) => {
    const caller = await access.admin(request, 'account.create');
    const { username, email, fullname, company_name: companyName, company_role: companyRole } = request.body;
    const profile = { company_name: companyName ?? '', company_role: companyRole ?? '' };
    const body = { name: username, email, fullName: fullname ?? null, profile };
    await commands.send({ caller, name: 'account.create', body, idempotencyKey: idempotencyKeyIn(request.headers) });
    return toHttpUser(userOf(username), originOf(request));
  });

  app.get('/v1/users/:name', { schema: { params: nameParams, response: { 200: UserObject } } }, async (request) => {
    const caller = await access.caller(request);
    demandSelf(caller, request.params.name, 'account.read');
    return toHttpUser(userOf(request.params.name), originOf(request));
  });

  const governed = (caller: Caller, name: string, action: string): Account => {
    const account = accounts.account(name);
    const owner =
      account?.members.some((member) => member.account === caller.account.name && member.role === 'owner') === true;
    const self = account?.name === caller.account.name;
    const allowed = caller.key.permissions.admin || (caller.key.permissions.manage && (self || owner));
    access.demand(caller, allowed, { action, target: `account/${name.toLowerCase()}` });
    if (account === null) throw ingressErrors.USER_UNKNOWN({ message: `there is no account ${name.slice(0, 60)}` });
    return account;
  };
  const masked = (key: Key): Type.Static<typeof ApiKeyObject> => toHttpKey(key, null);

  for (const path of ['/v1/users/:name/keys', '/v1/organizations/:name/keys']) {
    app.get(path, { schema: { params: nameParams, response: { 200: Type.Array(ApiKeyObject) } } }, async (request) => {
      const caller = await access.caller(request);
      return accounts.keysOf(governed(caller, request.params.name, 'key.list').name).map(masked);
    });

    app.post(
      path,
      { schema: { params: nameParams, body: KeyFields, response: { 200: ApiKeyObject } } },
      async (request) => {
        const caller = await access.caller(request);
        const account = governed(caller, request.params.name, 'key.create');
        const { text, hash } = makeApiKey(random);
        const id = random.uuid();
        const permissions = fromHttpPermissions(request.body);
        const body = { id, account: account.name, hash, label: request.body.key_label ?? '', permissions };
        await commands.send({ caller, name: 'key.create', body });
        const key = accounts.key(id);
        if (key === null) throw ingressErrors.RESOURCE_UNKNOWN({ message: 'the key was removed meanwhile' });
        return toHttpKey(key, text);
      },
    );

    app.delete(
      `${path}/:id`,
      { schema: { params: Type.Object({ name: Type.String(), id: Type.String() }) } },
      async (request, reply) => {
        const caller = await access.caller(request);
        const account = governed(caller, request.params.name, 'key.revoke');
        const key = accounts.keysOf(account.name).find((each) => each.id === request.params.id);
        if (key === undefined) throw ingressErrors.RESOURCE_UNKNOWN({ message: `${account.name} has no such key` });
        await commands.send({ caller, name: 'key.revoke', body: { id: key.id } });
        return await reply.code(204).send();
      },
    );
  }
};
