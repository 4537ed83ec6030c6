import { Type } from 'typebox';
import { type Build, buildKind } from '../../catalog/catalog.ts';
import { catalogErrors } from '../../catalog/errors.ts';
import { topics } from '../../kernel/topics.ts';
import { put } from '../state.ts';
import { actorName, requireRole } from './actor.ts';
import { requireEnvironment, requireManagedAlgorithm } from './algorithm.ts';
import { commandSpec } from './decision.ts';
import { Commit, Uuid } from './fields.ts';
import { vendorCodes } from './vendor-codes.ts';

const request = commandSpec({
  name: 'build.request',
  body: Type.Object({
    algorithmId: Uuid,
    build: Commit,
    /** Id or UUID; default: the algorithm's. */
    environment: Type.Optional(Type.String()),
  }),
  target: ({ algorithmId, build }) => `build/${algorithmId}/${build}`,
  decide: ({ state, actor, body, nowMs }) => {
    const algorithm = requireManagedAlgorithm(state, actor, body.algorithmId);
    const known = state.get(buildKind, `${algorithm.id}/${body.build}`);
    if (known !== undefined && known.status !== 'failed') return { reply: known };
    const environment = requireEnvironment(state, body.environment ?? algorithm.environment).id;
    const build: Build = {
      algorithmId: algorithm.id,
      hash: body.build,
      environment,
      status: 'in-progress',
      requestedBy: actorName(actor),
      startedAtMs: nowMs,
      finishedAtMs: null,
      artefact: null,
      run: null,
      tests: null,
      error: null,
      log: null,
    };
    const message = {
      algorithmId: algorithm.id,
      owner: algorithm.owner,
      name: algorithm.name,
      build: build.hash,
      environment,
      requestedBy: build.requestedBy,
      requestedAtMs: nowMs,
    };
    return {
      changes: [put(buildKind, build)],
      reply: build,
      publications: [{ topic: topics.builds, message, key: algorithm.id }],
    };
  },
});

const { artefact, run, tests, error, log, lock } = buildKind.schema.properties;

const finish = commandSpec({
  name: 'build.finish',
  body: Type.Object({
    algorithmId: Uuid,
    hash: Commit,
    status: Type.Union([Type.Literal('succeeded'), Type.Literal('failed')]),
    artefact,
    run,
    tests,
    error,
    log,
    lock,
  }),
  target: ({ algorithmId, hash }) => `build/${algorithmId}/${hash}`,
  decide: ({ state, actor, body, nowMs }) => {
    requireRole(actor, 'builder');
    const build = state.get(buildKind, `${body.algorithmId}/${body.hash}`);
    if (build === undefined) {
      throw catalogErrors.BUILD_NOT_FOUND({
        message: `There is no build ${body.hash}; the algorithm may have been deleted.`,
      });
    }
    // The builder works at least once: what it says of a build that ended already is a copy.
    if (build.status !== 'in-progress') return { reply: build };
    if (body.status === 'succeeded' && (body.artefact === null || body.run === null)) {
      throw catalogErrors.BUILD_NOT_SUCCEEDED({
        message: 'A build succeeds only with an artefact and the settings to run it.',
        details: { vendorCode: vendorCodes.badBuildStatus },
      });
    }
    const finished: Build = {
      ...build,
      status: body.status,
      finishedAtMs: nowMs,
      artefact: body.artefact,
      run: body.run,
      tests: body.tests,
      error: body.error,
      log: body.log,
      lock: body.lock ?? null,
    };
    return { changes: [put(buildKind, finished)], reply: finished, details: { status: body.status } };
  },
});

export const buildCommands = [request, finish] as const;
