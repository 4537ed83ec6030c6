import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { Algorithm, Build, Catalog } from '../../catalog/catalog.ts';
import { isBuildHash } from '../../kernel/ids.ts';
import type { Blobs } from '../../platform/blobs/blobs.ts';
import type { GitRepositories } from '../../platform/git/git.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { type CommandDoor, idempotencyKeyIn } from '../http/command-door.ts';
import { cutPage, flagOf, pageOf, pageQuery } from '../http/paging.ts';
import { sendTextStream } from '../http/send-stream.ts';
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

const nameOf = (algorithm: Algorithm): string => `${algorithm.owner}/${algorithm.label}`;

const requiredBuild = (catalog: Catalog, algorithm: Algorithm, hash: string): Build => {
  const build = catalog.build(algorithm.id, hash);
  if (build !== null) return build;
  throw ingressErrors.RESOURCE_UNKNOWN({ message: `${nameOf(algorithm)} has no build ${hash.slice(0, 60)}` });
};

const compileRoute = (app: HttpApp, deps: BuildRoutesDeps): void => {
  const { access, catalog, commands, git, blobs } = deps;

  const commitOf = async (algorithm: Algorithm, wanted: string | null | undefined): Promise<string> => {
    const where = `the repository of ${nameOf(algorithm)}`;
    const repository = { owner: algorithm.owner, name: algorithm.name };
    const there = await git.exists(repository);
    if (wanted !== undefined && wanted !== null && wanted !== '') {
      const commit = wanted.toLowerCase();
      if (isBuildHash(commit)) {
        if (there && (await git.has(repository, commit))) return commit;
        throw ingressErrors.RESOURCE_UNKNOWN({ message: `there is no commit ${commit} in ${where}` });
      }
      const message = `commitSha is "${wanted.slice(0, 60)}": give the 40 hex digits of a commit in ${where}`;
      throw ingressErrors.BAD_REQUEST({ message });
    }
    const head = there ? await git.head(repository) : null;
    if (head !== null) return head;
    throw ingressErrors.BAD_REQUEST({ message: `${where} is empty: push to it, or send its source first` });
  };

  const schema = { params: algorithmParams, body: CompileFields, response: { 200: AlgorithmObject } };
  app.post('/v1/algorithms/:owner/:algo/compile', { schema }, async (request) => {
    const caller = await access.caller(request);
    const algorithm = access.managed(caller, request.params, 'build.request');
    const hash = await commitOf(algorithm, request.body.commitSha);
    const body = { algorithmId: algorithm.id, build: hash };
    await commands.send({ caller, name: 'build.request', body, idempotencyKey: idempotencyKeyIn(request.headers) });
    const build = await deps.builds.finished(algorithm.id, hash, deps.buildTimeoutMs);
    if (build === null) {
      const address = `/v1/algorithms/${nameOf(algorithm)}/builds/${hash}`;
      throw ingressErrors.BUILD_SLOW({ message: `build ${hash} is not finished yet: ask for it at ${address}` });
    }
    const environment = catalog.environment(build.environment);
    const version = versionOf(catalog, build);
    const log = await logOf(blobs, build);
    return toHttpAlgorithm({ algorithm, environment, build, version, log, origin: originOf(request) });
  });
};

const readRoutes = (app: HttpApp, { access, catalog }: BuildRoutesDeps): void => {
  const listSchema = {
    params: algorithmParams,
    querystring: Type.Object(pageQuery),
    response: { 200: pageOf(BuildObject) },
  };
  app.get('/v1/algorithms/:owner/:algo/builds', { schema: listSchema }, async (request) => {
    const caller = await access.caller(request);
    const algorithm = access.managed(caller, request.params, 'build.list');
    const page = cutPage({
      items: catalog.builds(algorithm.id),
      limit: request.query.limit,
      marker: request.query.marker,
      address: `${originOf(request)}/v1/algorithms/${nameOf(algorithm)}/builds`,
      idOf: (build: Build) => build.hash,
    });
    return { ...page, results: page.results.map((build) => toHttpBuild(build, versionOf(catalog, build))) };
  });

  const schema = { params: buildParams, response: { 200: BuildObject } };
  app.get('/v1/algorithms/:owner/:algo/builds/:build', { schema }, async (request) => {
    const caller = await access.caller(request);
    const algorithm = access.managed(caller, request.params, 'build.read');
    const build = requiredBuild(catalog, algorithm, request.params.build);
    return toHttpBuild(build, versionOf(catalog, build));
  });
};

const logRoute = (app: HttpApp, { access, catalog, blobs, logs }: BuildRoutesDeps): void => {
  const whole = async (algorithm: Algorithm, hash: string): Promise<string> => {
    const build = requiredBuild(catalog, algorithm, hash);
    if (build.status !== 'in-progress') return await logOf(blobs, build);
    const message = `build ${hash} is in progress: its log comes at its end, or with ?follow=true`;
    throw ingressErrors.RESOURCE_UNKNOWN({ message });
  };
  /** A client may follow before it asks for the build, so an unknown one is waited for. */
  const follow = async (algorithm: Algorithm, hash: string): Promise<Readable> => {
    const build = catalog.build(algorithm.id, hash);
    if (build !== null && build.status !== 'in-progress') return Readable.from([await logOf(blobs, build)]);
    const key = Buffer.from(hash);
    return await logs.open({
      backMax: build === null ? 0 : logRecordsBack,
      follow: true,
      acceptsKey: (each) => each?.equals(key) === true,
      accepts: (line) => line.algorithmId === algorithm.id,
      format: (line) => line.text,
      ends: (line) => line.last,
    });
  };

  const schema = { params: buildParams, querystring: Type.Object({ follow: Type.Optional(Type.String()) }) };
  app.get('/v1/algorithms/:owner/:algo/builds/:build/logs', { schema }, async (request, reply) => {
    const caller = await access.caller(request);
    const algorithm = access.managed(caller, request.params, 'build.read');
    const hash = request.params.build.toLowerCase();
    if (flagOf(request.query.follow) !== true) return await reply.send({ logs: await whole(algorithm, hash) });
    sendTextStream(reply, await follow(algorithm, hash));
    return undefined;
  });
};

const lockRoute = (app: HttpApp, { access, catalog, blobs }: BuildRoutesDeps): void => {
  const schema = { params: buildParams };
  app.get('/v1/algorithms/:owner/:algo/builds/:build/lock', { schema }, async (request, reply) => {
    const caller = await access.caller(request);
    const algorithm = access.managed(caller, request.params, 'build.read');
    const build = requiredBuild(catalog, algorithm, request.params.build.toLowerCase());
    const lock = build.lock ?? null;
    if (lock === null || !(await blobs.has(lock))) {
      const why = build.status === 'succeeded' ? 'it was made before locks were kept' : `it is ${build.status}`;
      throw ingressErrors.RESOURCE_UNKNOWN({ message: `build ${build.hash} has no lock: ${why}` });
    }
    return await reply.type('application/json; charset=utf-8').send(await blobs.read(lock));
  });
};

/** Compile, and look at builds, their logs and their locks. */
export const buildRoutes = (app: HttpApp, deps: BuildRoutesDeps): void => {
  compileRoute(app, deps);
  readRoutes(app, deps);
  logRoute(app, deps);
  lockRoute(app, deps);
};
