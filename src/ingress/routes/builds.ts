import { Type } from 'typebox';
import type { Algorithm, Build, Catalog } from '../../catalog/catalog.ts';
import { isBuildHash } from '../../kernel/ids.ts';
import type { Blobs } from '../../platform/blobs/blobs.ts';
import type { GitRepositories } from '../../platform/git/git.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { type CommandDoor, idempotencyKeyIn } from '../http/command-door.ts';
import { cutPage, flagOf, pageOf, pageQuery } from '../http/paging.ts';
import type { HttpApp } from '../http/type-provider.ts';
import type { BuildWatch } from '../logs/await-build.ts';
import type { LogStreams } from '../logs/log-stream.ts';
import { AlgorithmObject, BuildObject, toHttpAlgorithm, toHttpBuild } from '../objects/algorithm-object.ts';
import { algorithmParams, originOf, versionOf } from './algorithms.ts';

export interface BuildRoutesDeps {
  readonly access: Access;
  readonly catalog: Catalog;
  readonly commands: CommandDoor;
  readonly git: GitRepositories;
  readonly blobs: Blobs;
  readonly builds: BuildWatch;
  readonly logs: LogStreams;
  readonly buildTimeoutMs: number;
}

const buildParams = Type.Object({ ...algorithmParams.properties, build: Type.String() });
const CompileFields = Type.Object({ commitSha: Type.Optional(Type.Union([Type.String(), Type.Null()])) });
const logRecordsBack = 5_000;

/** What a build says at its end when its log is not there: it failed before it wrote one. */
export const logOf = async (blobs: Blobs, build: Build): Promise<string> => {
  const end = build.error === null ? '' : `\n${build.error.step}: ${build.error.message}\n`;
  if (build.log === null || !(await blobs.has(build.log))) return end;
  const text = (await blobs.read(build.log)).toString('utf8');
  return build.error !== null && !text.includes(build.error.message) ? text + end : text;
};

/** Compile, and look at builds and their logs. */
export const buildRoutes = (app: HttpApp, deps: BuildRoutesDeps): void => {
  const { access, catalog, commands, git, blobs } = deps;

  const required = (algorithm: Algorithm, hash: string): Build => {
    const build = catalog.build(algorithm.id, hash);
    if (build !== null) return build;
    throw ingressErrors.RESOURCE_UNKNOWN({
      message: `${algorithm.owner}/${algorithm.label} has no build ${hash.slice(0, 60)}`,
    });
  };
  const commitOf = async (algorithm: Algorithm, wanted: string | null | undefined): Promise<string> => {
    const where = `the repository of ${algorithm.owner}/${algorithm.label}`;
    if (wanted !== undefined && wanted !== null && wanted !== '') {
      const commit = wanted.toLowerCase();
      if (isBuildHash(commit)) return commit;
      throw ingressErrors.BAD_REQUEST({
        message: `commitSha is "${wanted.slice(0, 60)}": give the 40 hex digits of a commit in ${where}`,
      });
    }
    const head = await git.head({ owner: algorithm.owner, name: algorithm.name });
    if (head !== null) return head;
    throw ingressErrors.BAD_REQUEST({ message: `${where} is empty: push to it, or send its source first` });
  };

  app.post(
    '/v1/algorithms/:owner/:algo/compile',
    { schema: { params: algorithmParams, body: CompileFields, response: { 200: AlgorithmObject } } },
    async (request) => {
      const caller = await access.caller(request);
      const algorithm = access.managed(caller, request.params, 'build.request');
      const hash = await commitOf(algorithm, request.body.commitSha);
      const body = { algorithmId: algorithm.id, build: hash };
      await commands.send({ caller, name: 'build.request', body, idempotencyKey: idempotencyKeyIn(request.headers) });
      const build = await deps.builds.finished(algorithm.id, hash, deps.buildTimeoutMs);
      if (build === null) {
        const message = `build ${hash} is not finished yet: ask for it at /v1/algorithms/${algorithm.owner}/${algorithm.label}/builds/${hash}`;
        throw ingressErrors.BUILD_SLOW({ message });
      }
      const environment = catalog.environment(build.environment);
      const log = await logOf(blobs, build);
      return toHttpAlgorithm({
        algorithm,
        environment,
        build,
        version: versionOf(catalog, build),
        log,
        origin: originOf(request),
      });
    },
  );

  app.get(
    '/v1/algorithms/:owner/:algo/builds',
    {
      schema: { params: algorithmParams, querystring: Type.Object(pageQuery), response: { 200: pageOf(BuildObject) } },
    },
    async (request) => {
      const caller = await access.caller(request);
      const algorithm = access.managed(caller, request.params, 'build.list');
      const page = cutPage({
        items: catalog.builds(algorithm.id),
        limit: request.query.limit,
        marker: request.query.marker,
        address: `${originOf(request)}/v1/algorithms/${algorithm.owner}/${algorithm.label}/builds`,
        idOf: (build: Build) => build.hash,
      });
      return { ...page, results: page.results.map((build) => toHttpBuild(build, versionOf(catalog, build))) };
    },
  );

  app.get(
    '/v1/algorithms/:owner/:algo/builds/:build',
    { schema: { params: buildParams, response: { 200: BuildObject } } },
    async (request) => {
      const caller = await access.caller(request);
      const build = required(access.managed(caller, request.params, 'build.read'), request.params.build);
      return toHttpBuild(build, versionOf(catalog, build));
    },
  );

  app.get(
    '/v1/algorithms/:owner/:algo/builds/:build/logs',
    { schema: { params: buildParams, querystring: Type.Object({ follow: Type.Optional(Type.String()) }) } },
    async (request, reply) => {
      const caller = await access.caller(request);
      const algorithm = access.managed(caller, request.params, 'build.read');
      const hash = request.params.build.toLowerCase();
      const build = catalog.build(algorithm.id, hash);
      if (flagOf(request.query.follow) !== true) {
        const { status } = required(algorithm, hash);
        if (build === null || status === 'in-progress') {
          throw ingressErrors.RESOURCE_UNKNOWN({
            message: `build ${hash} is in progress: its log comes at its end, or with ?follow=true`,
          });
        }
        return await reply.send({ logs: await logOf(blobs, build) });
      }
      void reply.type('text/plain; charset=utf-8');
      if (build !== null && build.status !== 'in-progress') return await reply.send(await logOf(blobs, build));
      // A client may follow before it asks for the build, so an unknown one is waited for.
      const key = Buffer.from(hash);
      const stream = await deps.logs.open({
        backMax: build === null ? 0 : logRecordsBack,
        follow: true,
        acceptsKey: (each) => each?.equals(key) === true,
        accepts: (line) => line.algorithmId === algorithm.id,
        format: (line) => line.text,
        ends: (line) => line.last,
      });
      return await reply.send(stream);
    },
  );
};
