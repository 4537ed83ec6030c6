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
type Member = Account['members'][number];

/** The vendor's types of organisations. Ours are all alike; clients replace a name by its id before they create one. */
const organizationTypes = [
  { id: '6ee7b9a0-6a6e-4b0e-9a3c-0e4c4d1f9b01', name: 'basic' },
  { id: '6ee7b9a0-6a6e-4b0e-9a3c-0e4c4d1f9b02', name: 'legacy' },
  { id: '6ee7b9a0-6a6e-4b0e-9a3c-0e4c4d1f9b03', name: 'pro' },
];
const missingField = 3005;

const emailIn = (fields: OrganizationFields): { email?: string | null } =>
  fields.org_email === undefined ? {} : { email: fields.org_email === '' ? null : fields.org_email };

const found = (accounts: Accounts, name: string): Account => {
  const account = accounts.account(name);
  if (account?.type === 'organisation') return account;
  throw ingressErrors.ORGANIZATION_UNKNOWN({ message: `there is no organization ${name.slice(0, 60)}` });
};

/** The organisation, to its members and administrators; to others a missing one and a foreign one look alike. */
const readable = ({ access, accounts }: OrganizationRoutesDeps, caller: Caller, name: string): Account => {
  const allowed = caller.key.permissions.admin || accounts.belongsTo(caller.account.name, name);
  access.demand(caller, allowed, { action: 'organisation.read', target: `account/${name.toLowerCase()}` });
  return found(accounts, name);
};

const readRoutes = (app: HttpApp, deps: OrganizationRoutesDeps): void => {
  const { access, accounts } = deps;

  const listSchema = { querystring: Type.Object(pageQuery), response: { 200: pageOf(OrganizationObject) } };
  app.get('/v1/organizations', { schema: listSchema }, async (request) => {
    await access.admin(request, 'organisation.list');
    const origin = originOf(request);
    const page = cutPage({
      items: accounts.list('organisation'),
      limit: request.query.limit,
      marker: request.query.marker,
      address: `${origin}/v1/organizations`,
      idOf: (each: Account) => each.name,
    });
    return { ...page, results: page.results.map((each) => toHttpOrganization(each, origin)) };
  });

  const schema = { params: orgParams, response: { 200: OrganizationObject } };
  app.get('/v1/organizations/:org', { schema }, async (request) => {
    const caller = await access.caller(request);
    return toHttpOrganization(readable(deps, caller, request.params.org), originOf(request));
  });

  const TypeObject = Type.Object({ id: Type.String(), name: Type.String() });
  app.get('/v1/organization/types', { schema: { response: { 200: Type.Array(TypeObject) } } }, async (request) => {
    await access.caller(request);
    return organizationTypes;
  });
};

const changeRoutes = (app: HttpApp, { access, accounts, commands }: OrganizationRoutesDeps): void => {
  const createSchema = { body: OrganizationFields, response: { 200: OrganizationObject } };
  app.post('/v1/organizations', { schema: createSchema }, async (request) => {
    const caller = await access.caller(request);
    const { org_name: name } = request.body;
    if (name === undefined) {
      throw ingressErrors.BAD_REQUEST({ message: 'org_name is missing', details: { vendorCode: missingField } });
    }
    const body = { name, email: null, ...emailIn(request.body), profile: profileIn(request.body) };
    const idempotencyKey = idempotencyKeyIn(request.headers);
    await commands.send({ caller, name: 'organisation.create', body, idempotencyKey });
    return toHttpOrganization(found(accounts, name), originOf(request));
  });

  const updateSchema = { params: orgParams, body: OrganizationFields };
  app.put('/v1/organizations/:org', { schema: updateSchema }, async (request, reply) => {
    const caller = await access.caller(request);
    const body = { name: request.params.org, ...emailIn(request.body), profile: profileIn(request.body) };
    const idempotencyKey = idempotencyKeyIn(request.headers);
    await commands.send({ caller, name: 'organisation.update', body, idempotencyKey });
    return await reply.code(204).send();
  });

  app.delete('/v1/organizations/:org', { schema: { params: orgParams } }, async (request, reply) => {
    const caller = await access.caller(request);
    await commands.send({ caller, name: 'organisation.delete', body: { name: request.params.org } });
    return await reply.code(204).send();
  });
};

const memberRoutes = (app: HttpApp, deps: OrganizationRoutesDeps): void => {
  const { access, commands } = deps;

  const listSchema = {
    params: orgParams,
    querystring: Type.Object(pageQuery),
    response: { 200: pageOf(MemberObject) },
  };
  app.get('/v1/organizations/:org/members', { schema: listSchema }, async (request) => {
    const caller = await access.caller(request);
    const organisation = readable(deps, caller, request.params.org);
    const origin = originOf(request);
    const page = cutPage({
      items: organisation.members,
      limit: request.query.limit,
      marker: request.query.marker,
      address: `${origin}/v1/organizations/${organisation.label}/members`,
      idOf: (each: Member) => each.account,
    });
    const toHttp = ({ account, role }: Member): Type.Static<typeof MemberObject> => ({
      username: account,
      role,
      user_link: `${origin}/v1/users/${account}`,
      resource_type: 'organization_member',
    });
    return { ...page, results: page.results.map(toHttp) };
  });

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
};

/** Organisations and who belongs to them. */
export const organizationRoutes = (app: HttpApp, deps: OrganizationRoutesDeps): void => {
  readRoutes(app, deps);
  changeRoutes(app, deps);
  memberRoutes(app, deps);
};
