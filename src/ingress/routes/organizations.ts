import { Type } from 'typebox';
import type { Account, Accounts, Caller } from '../../accounts/accounts.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { type CommandDoor, idempotencyKeyIn } from '../http/command-door.ts';
import { cutPage, pageOf, pageQuery } from '../http/paging.ts';
import type { HttpApp } from '../http/type-provider.ts';
import { OrganizationFields, OrganizationObject, profileIn, toHttpOrganization } from '../objects/account-object.ts';
import { originOf } from './algorithms.ts';

export interface OrganizationRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly commands: CommandDoor;
}

const orgParams = Type.Object({ org: Type.String() });
const memberParams = Type.Object({ org: Type.String(), user: Type.String() });
const MemberObject = Type.Object({
  username: Type.String(),
  role: Type.String(),
  user_link: Type.String(),
  resource_type: Type.Literal('organization_member'),
});
const TypeObject = Type.Object({ id: Type.String(), name: Type.String() });

/** The vendor's types of organisations; ours are all alike, clients replace a name by its id before they create one. */
const organizationTypes = [
  { id: '6ee7b9a0-6a6e-4b0e-9a3c-0e4c4d1f9b01', name: 'basic' },
  { id: '6ee7b9a0-6a6e-4b0e-9a3c-0e4c4d1f9b02', name: 'legacy' },
  { id: '6ee7b9a0-6a6e-4b0e-9a3c-0e4c4d1f9b03', name: 'pro' },
];

const emailIn = (fields: OrganizationFields): { email?: string | null } =>
  fields.org_email === undefined ? {} : { email: fields.org_email === '' ? null : fields.org_email };

/** Organisations and who belongs to them. */
export const organizationRoutes = (app: HttpApp, deps: OrganizationRoutesDeps): void => {
  const { access, accounts, commands } = deps;

  const found = (name: string): Account => {
    const account = accounts.account(name);
    if (account?.type === 'organisation') return account;
    throw ingressErrors.ORGANIZATION_UNKNOWN({ message: `there is no organization ${name.slice(0, 60)}` });
  };
  /** Members and administrators; to others a missing one and a foreign one look alike. */
  const readable = (caller: Caller, name: string): Account => {
    const allowed = caller.key.permissions.admin || accounts.belongsTo(caller.account.name, name);
    access.demand(caller, allowed, { action: 'organisation.read', target: `account/${name.toLowerCase()}` });
    return found(name);
  };

  app.get(
    '/v1/organizations',
    { schema: { querystring: Type.Object(pageQuery), response: { 200: pageOf(OrganizationObject) } } },
    async (request) => {
      await access.admin(request, 'organisation.list');
      const origin = originOf(request);
      const { limit, marker } = request.query;
      const items = accounts.list('organisation');
      const page = cutPage({
        items,
        limit,
        marker,
        address: `${origin}/v1/organizations`,
        idOf: (each: Account) => each.name,
      });
      return { ...page, results: page.results.map((each) => toHttpOrganization(each, origin)) };
    },
  );

  app.post(
    '/v1/organizations',
    { schema: { body: OrganizationFields, response: { 200: OrganizationObject } } },
    async (request) => {
      const caller = await access.caller(request);
      const { org_name: name } = request.body;
      if (name === undefined)
        throw ingressErrors.BAD_REQUEST({ message: 'org_name is missing', details: { vendorCode: 3005 } });
      const body = { name, email: null, ...emailIn(request.body), profile: profileIn(request.body) };
      await commands.send({
        caller,
        name: 'organisation.create',
        body,
        idempotencyKey: idempotencyKeyIn(request.headers),
      });
      return toHttpOrganization(found(name), originOf(request));
    },
  );

  app.get(
    '/v1/organizations/:org',
    { schema: { params: orgParams, response: { 200: OrganizationObject } } },
    async (request) => {
      const caller = await access.caller(request);
      return toHttpOrganization(readable(caller, request.params.org), originOf(request));
    },
  );

  app.put(
    '/v1/organizations/:org',
    { schema: { params: orgParams, body: OrganizationFields } },
    async (request, reply) => {
      const caller = await access.caller(request);
      const body = { name: request.params.org, ...emailIn(request.body), profile: profileIn(request.body) };
      await commands.send({
        caller,
        name: 'organisation.update',
        body,
        idempotencyKey: idempotencyKeyIn(request.headers),
      });
      return await reply.code(204).send();
    },
  );

  app.delete('/v1/organizations/:org', { schema: { params: orgParams } }, async (request, reply) => {
    const caller = await access.caller(request);
    await commands.send({ caller, name: 'organisation.delete', body: { name: request.params.org } });
    return await reply.code(204).send();
  });

  app.get(
    '/v1/organizations/:org/members',
    { schema: { params: orgParams, querystring: Type.Object(pageQuery), response: { 200: pageOf(MemberObject) } } },
    async (request) => {
      const caller = await access.caller(request);
      const organisation = readable(caller, request.params.org);
      const origin = originOf(request);
      const { limit, marker } = request.query;
      const address = `${origin}/v1/organizations/${organisation.label}/members`;
      const page = cutPage({
        items: organisation.members,
        limit,
        marker,
        address,
        idOf: (each: Account['members'][number]) => each.account,
      });
      const results = page.results.map(({ account, role }) => ({
        username: account,
        role,
        user_link: `${origin}/v1/users/${account}`,
        resource_type: 'organization_member' as const,
      }));
      return { ...page, results };
    },
  );

  app.put('/v1/organizations/:org/members/:user', { schema: { params: memberParams } }, async (request, reply) => {
    const caller = await access.caller(request);
    const body = { organisation: request.params.org, account: request.params.user };
    const done = await commands.send({ caller, name: 'organisation.member.put', body });
    const added = typeof done === 'object' && done !== null && 'added' in done && done.added === true;
    return await reply.code(added ? 201 : 200).send();
  });

  app.delete('/v1/organizations/:org/members/:user', { schema: { params: memberParams } }, async (request, reply) => {
    const caller = await access.caller(request);
    const body = { organisation: request.params.org, account: request.params.user };
    await commands.send({ caller, name: 'organisation.member.delete', body });
    return await reply.code(204).send();
  });

  app.get('/v1/organization/types', { schema: { response: { 200: Type.Array(TypeObject) } } }, async (request) => {
    await access.caller(request);
    return organizationTypes;
  });
};
