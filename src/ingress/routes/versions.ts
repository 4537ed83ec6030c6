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

/** Versions: published builds, and builds that could be. */
export const versionRoutes = (app: HttpApp, deps: VersionRoutesDeps): void => {
  const { access, accounts, catalog, commands, blobs } = deps;

  const insider = (caller: Caller, algorithm: Algorithm): boolean =>
    caller.key.permissions.admin || accounts.belongsTo(caller.account.name, algorithm.owner);

  /** Strangers see what is published to everybody. */
  const listed = (caller: Caller, algorithm: Algorithm): Listed[] => {
    const inside = insider(caller, algorithm);
    return catalog
      .builds(algorithm.id)
      .filter((build) => build.status === 'succeeded')
      .map((build) => ({ build, version: versionOf(catalog, build) }))
      .filter(({ version }) => inside || version?.callability === 'public');
  };
  const objectOf = (algorithm: Algorithm, { build, version }: Listed, origin: string, log: string | null) =>
    toHttpAlgorithm({ algorithm, environment: catalog.environment(build.environment), build, version, log, origin });

  app.get(
    '/v1/algorithms/:owner/:algo/versions',
    { schema: { params: algorithmParams, querystring: versionQuery, response: { 200: pageOf(AlgorithmObject) } } },
    async (request) => {
      const caller = await access.caller(request);
      const algorithm = access.visible(caller, request.params);
      const published = flagOf(request.query.published);
      const callable = flagOf(request.query.callable);
      const items = listed(caller, algorithm)
        .filter(({ version }) => published === null || (version !== null) === published)
        .filter(({ version }) => callable === null || (version?.callability === 'public') === callable);
      const page = cutPage({
        items,
        limit: request.query.limit,
        marker: request.query.marker,
        address: `${originOf(request)}/v1/algorithms/${algorithm.owner}/${algorithm.label}/versions`,
        idOf: ({ build }: Listed) => build.hash,
      });
      return { ...page, results: page.results.map((each) => objectOf(algorithm, each, originOf(request), null)) };
    },
  );

  app.get(
    '/v1/algorithms/:owner/:algo/versions/:hash',
    {
      schema: {
        params: Type.Object({ ...algorithmParams.properties, hash: Type.String() }),
        response: { 200: AlgorithmObject },
      },
    },
    async (request) => {
      const caller = await access.caller(request);
      const algorithm = access.visible(caller, request.params);
      const hash = request.params.hash.toLowerCase();
      const found = listed(caller, algorithm).find(
        ({ build, version }) => build.hash === hash || version?.semantic === hash,
      );
      if (found === undefined) throw ingressErrors.RESOURCE_UNKNOWN({ message: 'not found' });
      const log = insider(caller, algorithm) ? await logOf(blobs, found.build) : null;
      return objectOf(algorithm, found, originOf(request), log);
    },
  );

  // The vendor's documents say one, half of its clients use the other.
  for (const word of ['versions', 'version']) {
    app.post(
      `/v1/algorithms/:owner/:algo/${word}`,
      { schema: { params: algorithmParams, body: VersionFields, response: { 200: AlgorithmObject } } },
      async (request) => {
        const caller = await access.caller(request);
        const algorithm = access.managed(caller, request.params, 'version.publish');
        const info = request.body.version_info;
        const versionType = versionTypeIn(info?.version_type);
        const body = {
          algorithmId: algorithm.id,
          build: info?.git_hash ?? null,
          ...(versionType === undefined ? {} : { versionType }),
          settings: fromHttpSettings(request.body.settings),
          releaseNotes: info?.release_notes ?? null,
          sampleInput: info?.sample_input ?? null,
        };
        const idempotencyKey = idempotencyKeyIn(request.headers);
        const reply = await commands.send({ caller, name: 'version.publish', body, idempotencyKey });
        const hash = typeof reply === 'object' && reply !== null && 'build' in reply ? String(reply.build) : '';
        const build = catalog.build(algorithm.id, hash);
        if (build === null) throw ingressErrors.ALGORITHM_UNKNOWN({ message: 'the algorithm was deleted meanwhile' });
        return objectOf(algorithm, { build, version: versionOf(catalog, build) }, originOf(request), null);
      },
    );
  }
};
