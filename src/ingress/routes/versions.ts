import { Type } from 'typebox';
import type { Accounts, Caller } from '../../accounts/accounts.ts';
import type { Algorithm, Build, Catalog, Version } from '../../catalog/catalog.ts';
import type { Blobs } from '../../platform/blobs/blobs.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { type CommandDoor, idempotencyKeyIn } from '../http/command-door.ts';
import { cutPage, flagOf, pageOf, pageQuery } from '../http/paging.ts';
import type { HttpApp } from '../http/type-provider.ts';
import { fromHttpSettings, VersionFields, versionTypeIn } from '../objects/algorithm-fields.ts';
import { AlgorithmObject, toHttpAlgorithm } from '../objects/algorithm-object.ts';
import { algorithmParams, originOf, versionOf } from './algorithms.ts';
import { logOf } from './builds.ts';

export interface VersionRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly commands: CommandDoor;
  readonly blobs: Blobs;
}

const versionQuery = Type.Object({
  ...pageQuery,
  published: Type.Optional(Type.String()),
  callable: Type.Optional(Type.String()),
});

interface Listed {
  readonly build: Build;
  readonly version: Version | null;
}

const insider = (accounts: Accounts, caller: Caller, algorithm: Algorithm): boolean =>
  caller.key.permissions.admin || accounts.belongsTo(caller.account.name, algorithm.owner);

const objectOf = (
  catalog: Catalog,
  algorithm: Algorithm,
  { build, version }: Listed,
  extra: { readonly origin: string; readonly log: string | null },
) => toHttpAlgorithm({ algorithm, environment: catalog.environment(build.environment), build, version, ...extra });

const readRoutes = (app: HttpApp, { access, accounts, catalog, blobs }: VersionRoutesDeps): void => {
  /** Strangers see what is published to everybody. */
  const listed = (caller: Caller, algorithm: Algorithm): Listed[] => {
    const inside = insider(accounts, caller, algorithm);
    return catalog
      .builds(algorithm.id)
      .filter((build) => build.status === 'succeeded')
      .map((build) => ({ build, version: versionOf(catalog, build) }))
      .filter(({ version }) => inside || version?.callability === 'public');
  };

  const listSchema = { params: algorithmParams, querystring: versionQuery, response: { 200: pageOf(AlgorithmObject) } };
  app.get('/v1/algorithms/:owner/:algo/versions', { schema: listSchema }, async (request) => {
    const caller = await access.caller(request);
    const algorithm = access.visible(caller, request.params);
    const origin = originOf(request);
    const published = flagOf(request.query.published);
    const callable = flagOf(request.query.callable);
    const page = cutPage({
      items: listed(caller, algorithm)
        .filter(({ version }) => published === null || (version !== null) === published)
        .filter(({ version }) => callable === null || (version?.callability === 'public') === callable),
      limit: request.query.limit,
      marker: request.query.marker,
      address: `${origin}/v1/algorithms/${algorithm.owner}/${algorithm.label}/versions`,
      idOf: ({ build }: Listed) => build.hash,
    });
    return { ...page, results: page.results.map((each) => objectOf(catalog, algorithm, each, { origin, log: null })) };
  });

  const params = Type.Object({ ...algorithmParams.properties, hash: Type.String() });
  const schema = { params, response: { 200: AlgorithmObject } };
  app.get('/v1/algorithms/:owner/:algo/versions/:hash', { schema }, async (request) => {
    const caller = await access.caller(request);
    const algorithm = access.visible(caller, request.params);
    const hash = request.params.hash.toLowerCase();
    const all = listed(caller, algorithm);
    const found = all.find(({ build, version }) => build.hash === hash || version?.semantic === hash);
    if (found === undefined) throw ingressErrors.RESOURCE_UNKNOWN({ message: 'not found' });
    const log = insider(accounts, caller, algorithm) ? await logOf(blobs, found.build) : null;
    return objectOf(catalog, algorithm, found, { origin: originOf(request), log });
  });
};

type VersionFields = Type.Static<typeof VersionFields>;

const publishBody = (algorithmId: string, { settings, version_info: info }: VersionFields): Record<string, unknown> => {
  const versionType = versionTypeIn(info?.version_type);
  return {
    algorithmId,
    build: info?.git_hash ?? null,
    ...(versionType === undefined ? {} : { versionType }),
    settings: fromHttpSettings(settings),
    releaseNotes: info?.release_notes ?? null,
    sampleInput: info?.sample_input ?? null,
  };
};

const buildIn = (reply: unknown): string =>
  typeof reply === 'object' && reply !== null && 'build' in reply ? String(reply.build) : '';

const publishRoutes = (app: HttpApp, { access, catalog, commands }: VersionRoutesDeps): void => {
  const schema = { params: algorithmParams, body: VersionFields, response: { 200: AlgorithmObject } };
  // The vendor's documents say one, half of its clients use the other.
  for (const word of ['versions', 'version']) {
    app.post(`/v1/algorithms/:owner/:algo/${word}`, { schema }, async (request) => {
      const caller = await access.caller(request);
      const algorithm = access.managed(caller, request.params, 'version.publish');
      const body = publishBody(algorithm.id, request.body);
      const idempotencyKey = idempotencyKeyIn(request.headers);
      const reply = await commands.send({ caller, name: 'version.publish', body, idempotencyKey });
      const build = catalog.build(algorithm.id, buildIn(reply));
      if (build === null) throw ingressErrors.ALGORITHM_UNKNOWN({ message: 'the algorithm was deleted meanwhile' });
      const published = { build, version: versionOf(catalog, build) };
      return objectOf(catalog, algorithm, published, { origin: originOf(request), log: null });
    });
  }
};

/** Versions: published builds, and builds that could be. */
export const versionRoutes = (app: HttpApp, deps: VersionRoutesDeps): void => {
  readRoutes(app, deps);
  publishRoutes(app, deps);
};
