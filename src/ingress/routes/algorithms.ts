import { Type } from 'typebox';
import type { Algorithm, Build, Catalog, Version } from '../../catalog/catalog.ts';
import type { Random } from '../../kernel/random.ts';
import type { GitRepositories } from '../../platform/git/git.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { type CommandDoor, idempotencyKeyIn } from '../http/command-door.ts';
import type { HttpApp } from '../http/type-provider.ts';
import {
  CreateFields,
  environmentIn,
  fromHttpDetails,
  fromHttpSettings,
  UpdateFields,
} from '../objects/algorithm-fields.ts';
import { AlgorithmObject, toHttpAlgorithm } from '../objects/algorithm-object.ts';

export interface AlgorithmRoutesDeps {
  readonly access: Access;
  readonly catalog: Catalog;
  readonly commands: CommandDoor;
  readonly random: Random;
  readonly git: GitRepositories;
}

/** Parameters of every route below an algorithm. */
export const algorithmParams = Type.Object({ owner: Type.String(), algo: Type.String() });

/** `http://host` as the client addressed it. */
export const originOf = (request: { readonly protocol: string; readonly host: string }): string =>
  `${request.protocol}://${request.host}`;

/** The version that a build was published as. */
export const versionOf = (catalog: Catalog, build: Build): Version | null =>
  catalog.versions(build.algorithmId).find((version) => version.build === build.hash) ?? null;

/** The algorithm as an object: with its newest build that succeeded, when the caller sees one. */
const objectOf = (catalog: Catalog, algorithm: Algorithm, origin: string): AlgorithmObject => {
  const build = catalog.builds(algorithm.id).find((each) => each.status === 'succeeded') ?? null;
  const version = build === null ? null : versionOf(catalog, build);
  const environment = catalog.environment(algorithm.environment);
  return toHttpAlgorithm({ algorithm, environment, build, version, log: null, origin });
};

const fresh = (catalog: Catalog, id: string): Algorithm => {
  const algorithm = catalog.algorithmById(id);
  if (algorithm !== null) return algorithm;
  throw ingressErrors.ALGORITHM_UNKNOWN({ message: 'the algorithm was deleted meanwhile' });
};

const idIn = (reply: unknown): string =>
  typeof reply === 'object' && reply !== null && 'id' in reply ? String(reply.id) : '';

const createRoute = (app: HttpApp, { access, catalog, commands, random }: AlgorithmRoutesDeps): void => {
  const createBody = (owner: string, fields: Type.Static<typeof CreateFields>): Record<string, unknown> => {
    const environment = environmentIn(fields.settings, catalog);
    if (environment === null) {
      const known = catalog.environments().map((each) => each.id);
      const message = `settings name no environment: give algorithm_environment, one of ${known.join(', ')}`;
      throw ingressErrors.BAD_REQUEST({ message });
    }
    return {
      id: random.uuid(),
      owner,
      name: fields.name,
      details: fromHttpDetails(fields.details),
      environment,
      // New ones start private; versions are published to everybody.
      settings: { ...fromHttpSettings(fields.settings), callability: 'private' },
    };
  };
  const params = Type.Object({ owner: Type.String() });
  const schema = { params, body: CreateFields, response: { 201: AlgorithmObject } };
  app.post('/v1/algorithms/:owner', { schema }, async (request, reply) => {
    const caller = await access.caller(request);
    const idempotencyKey = idempotencyKeyIn(request.headers);
    const body = createBody(request.params.owner, request.body);
    const made = await commands.send({ caller, name: 'algorithm.create', body, idempotencyKey });
    return await reply.code(201).send(objectOf(catalog, fresh(catalog, idIn(made)), originOf(request)));
  });
};

const readRoutes = (app: HttpApp, { access, catalog }: AlgorithmRoutesDeps): void => {
  app.get(
    '/v1/algorithms/:owner/:algo',
    { schema: { params: algorithmParams, response: { 200: AlgorithmObject } } },
    async (request) => {
      const caller = await access.caller(request);
      return objectOf(catalog, access.visible(caller, request.params), originOf(request));
    },
  );

  const params = Type.Object({ owner: Type.String() });
  const Row = Type.Object({ id: Type.String(), algoname: Type.String(), username: Type.String() });
  app.get(
    '/v1/users/:owner/algorithms',
    { schema: { params, response: { 200: Type.Array(Row) } } },
    async (request) => {
      const caller = await access.caller(request);
      const all = catalog.algorithmsOf(request.params.owner);
      const seen = all.filter((algorithm) => access.sees(caller, algorithm));
      return seen.map(({ id, label, owner }) => ({ id, algoname: label, username: owner }));
    },
  );
};

const changeRoutes = (app: HttpApp, { access, catalog, commands, git }: AlgorithmRoutesDeps): void => {
  app.put(
    '/v1/algorithms/:owner/:algo',
    { schema: { params: algorithmParams, body: UpdateFields, response: { 200: AlgorithmObject } } },
    async (request) => {
      const caller = await access.caller(request);
      const { id } = access.managed(caller, request.params, 'algorithm.update');
      const environment = environmentIn(request.body.settings, catalog);
      const body = {
        id,
        details: fromHttpDetails(request.body.details),
        settings: fromHttpSettings(request.body.settings),
        ...(environment === null ? {} : { environment }),
      };
      const idempotencyKey = idempotencyKeyIn(request.headers);
      await commands.send({ caller, name: 'algorithm.update', body, idempotencyKey });
      return objectOf(catalog, fresh(catalog, id), originOf(request));
    },
  );

  app.delete('/v1/algorithms/:owner/:algo', { schema: { params: algorithmParams } }, async (request, reply) => {
    const caller = await access.caller(request);
    const { id, owner, name } = access.managed(caller, request.params, 'algorithm.delete');
    await commands.send({ caller, name: 'algorithm.delete', body: { id } });
    // Only now: a refused deletion must keep the source.
    await git.remove({ owner, name });
    return await reply.code(204).send();
  });
};

/** Make, show, change and delete algorithms. */
export const algorithmRoutes = (app: HttpApp, deps: AlgorithmRoutesDeps): void => {
  createRoute(app, deps);
  readRoutes(app, deps);
  changeRoutes(app, deps);
};
