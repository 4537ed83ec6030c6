import { Type } from 'typebox';
import {
  type Algorithm,
  type Build,
  buildKind,
  settingsSchema,
  type Version,
  versionKind,
} from '../../catalog/catalog.ts';
import { catalogErrors } from '../../catalog/errors.ts';
import { compareSemantic, formatSemantic, nextSemantic, parseSemantic } from '../../catalog/semantic.ts';
import { buildsOfAlgorithm, versionsOfAlgorithm } from '../indexes.ts';
import { put, type State } from '../state.ts';
import { actorName, requireAccount, requireGovernorOf } from './actor.ts';
import { requireManagedAlgorithm } from './algorithm.ts';
import { commandSpec } from './decision.ts';
import { Commit, Uuid } from './fields.ts';
import { vendorCodes } from './vendor-codes.ts';

const newestSucceeded = (state: State, algorithm: Algorithm): Build => {
  const builds = state.find(buildsOfAlgorithm, algorithm.id).filter(({ status }) => status === 'succeeded');
  const newest = builds.reduce<Build | undefined>(
    (best, build) => (best === undefined || build.startedAtMs >= best.startedAtMs ? build : best),
    undefined,
  );
  if (newest !== undefined) return newest;
  throw catalogErrors.NOTHING_TO_PUBLISH({
    message: `${algorithm.label} has no successful build; compile it first.`,
    details: { vendorCode: vendorCodes.alreadyPublished },
  });
};

const buildOf = (state: State, algorithm: Algorithm, hash: string): Build => {
  const build = state.get(buildKind, `${algorithm.id}/${hash}`);
  if (build === undefined) throw catalogErrors.BUILD_NOT_FOUND({ message: `${algorithm.label} has no build ${hash}.` });
  if (build.status === 'succeeded') return build;
  throw catalogErrors.BUILD_NOT_SUCCEEDED({
    message: `Build ${hash} is ${build.status}; only successful builds are published.`,
    details: { vendorCode: vendorCodes.badBuildStatus },
  });
};

const highest = (versions: readonly Version[]) =>
  versions
    .map(({ semantic }) => parseSemantic(semantic))
    .filter((semantic) => semantic !== null)
    .sort(compareSemantic)
    .at(-1) ?? null;

const publish = commandSpec({
  name: 'version.publish',
  body: Type.Object({
    algorithmId: Uuid,
    /** Default: the newest successful one. */
    build: Type.Optional(Type.Union([Commit, Type.Null()])),
    /** `patch` is `revision`. Default: minor. */
    versionType: Type.Optional(
      Type.Union([Type.Literal('major'), Type.Literal('minor'), Type.Literal('revision'), Type.Literal('patch')]),
    ),
    settings: Type.Optional(Type.Partial(settingsSchema)),
    releaseNotes: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    sampleInput: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
  target: ({ algorithmId }) => `algorithm/${algorithmId}`,
  decide: ({ state, actor, body, command, nowMs }) => {
    const algorithm = requireManagedAlgorithm(state, actor, body.algorithmId);
    const callability = body.settings?.callability ?? 'private';
    // Members of an organisation publish for the organisation; for everybody only its owners do.
    if (callability === 'public') requireGovernorOf(actor, requireAccount(state, algorithm.owner));
    const build =
      typeof body.build === 'string' ? buildOf(state, algorithm, body.build) : newestSucceeded(state, algorithm);
    const versions = state.find(versionsOfAlgorithm, algorithm.id);
    const published = versions.find((version) => version.build === build.hash);
    if (published !== undefined) {
      throw catalogErrors.BUILD_ALREADY_PUBLISHED({
        message: `This build is published already, as ${published.semantic}; compile first.`,
        details: { vendorCode: vendorCodes.alreadyPublished },
      });
    }
    const type = body.versionType === 'patch' ? 'revision' : (body.versionType ?? 'minor');
    const version: Version = {
      algorithmId: algorithm.id,
      semantic: formatSemantic(nextSemantic(highest(versions), type)),
      uuid: command.id,
      build: build.hash,
      callability,
      settings: { ...algorithm.settings, ...body.settings, callability },
      releaseNotes: body.releaseNotes ?? null,
      sampleInput: body.sampleInput ?? null,
      publishedAtMs: nowMs,
      publishedBy: actorName(actor),
    };
    return {
      changes: [put(versionKind, version)],
      reply: version,
      details: { semantic: version.semantic, build: version.build, callability },
    };
  },
});

export const versionCommands = [publish] as const;
