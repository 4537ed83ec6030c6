import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import type { Account, Accounts, Caller } from '../../accounts/accounts.ts';
import { mayGovern } from '../../accounts/permissions.ts';
import type { Random } from '../../kernel/random.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import type { CommandDoor } from '../http/command-door.ts';
import type { HttpApp } from '../http/type-provider.ts';
import { ApiKeyObject, fromHttpPermissions, KeyFields, toHttpKey } from '../objects/key-object.ts';

export interface KeyRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly commands: CommandDoor;
  readonly random: Random;
}

const params = Type.Object({ name: Type.String() });
const keyParams = Type.Object({ name: Type.String(), id: Type.String() });
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const keyCharacters = 30;

/** A fresh API key: `sim` and about 178 bits. Only its hash leaves this process, and itself to who asked. */
export const makeApiKey = (random: Random): { readonly text: string; readonly hash: string } => {
  let text = 'sim';
  for (let at = 0; at < keyCharacters; at += 1) text += alphabet.charAt(random.below(alphabet.length));
  return { text, hash: createHash('sha256').update(text).digest('hex') };
};

const routesAt = (app: HttpApp, path: string, deps: KeyRoutesDeps): void => {
  const { access, accounts, commands, random } = deps;

  /** The account, if the caller decides about it; to others a missing one and a foreign one look alike. */
  const governed = (caller: Caller, name: string, action: string): Account => {
    const account = accounts.account(name);
    const allowed = account === null ? caller.key.permissions.admin : mayGovern(caller, account);
    access.demand(caller, allowed, { action, target: `account/${name.toLowerCase()}` });
    if (account === null) throw ingressErrors.USER_UNKNOWN({ message: `there is no account ${name.slice(0, 60)}` });
    return account;
  };

  app.get(path, { schema: { params, response: { 200: Type.Array(ApiKeyObject) } } }, async (request) => {
    const caller = await access.caller(request);
    const account = governed(caller, request.params.name, 'key.list');
    return accounts.keysOf(account.name).map((key) => toHttpKey(key, null));
  });

  app.post(path, { schema: { params, body: KeyFields, response: { 200: ApiKeyObject } } }, async (request) => {
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
  });

  app.delete(`${path}/:id`, { schema: { params: keyParams } }, async (request, reply) => {
    const caller = await access.caller(request);
    const account = governed(caller, request.params.name, 'key.revoke');
    const key = accounts.keysOf(account.name).find((each) => each.id === request.params.id);
    if (key === undefined) throw ingressErrors.RESOURCE_UNKNOWN({ message: `${account.name} has no such key` });
    await commands.send({ caller, name: 'key.revoke', body: { id: key.id } });
    return await reply.code(204).send();
  });
};

/** API keys of users and organisations. The plaintext is in the answer that makes a key and nowhere else. */
export const keyRoutes = (app: HttpApp, deps: KeyRoutesDeps): void => {
  for (const path of ['/v1/users/:name/keys', '/v1/organizations/:name/keys']) routesAt(app, path, deps);
};
