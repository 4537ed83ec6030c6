import { Type } from 'typebox';
import type { Algorithm, Build, Environment, Settings, Version } from '../../catalog/catalog.ts';

/** The vendor's objects for algorithms, versions and builds: schemas, and how ours become theirs. */

const Settings_ = Type.Object({
  algorithm_callability: Type.String(),
  source_visibility: Type.String(),
  license: Type.String(),
  network_access: Type.String(),
  pipeline_enabled: Type.Boolean(),
  insights_enabled: Type.Boolean(),
  package_set: Type.Optional(Type.String()),
  algorithm_environment: Type.Optional(Type.String()),
});

const VersionInfo = Type.Object({
  git_hash: Type.String(),
  semantic_version: Type.Optional(Type.String()),
  version_uuid: Type.Optional(Type.String()),
  release_notes: Type.Optional(Type.String()),
  sample_input: Type.Optional(Type.String()),
});

export const BuildObject = Type.Object({
  build_id: Type.String(),
  status: Type.String(),
  commit_sha: Type.String(),
  started_at: Type.String(),
  finished_at: Type.Optional(Type.String()),
  version_info: Type.Optional(Type.Object({ semantic_version: Type.String() })),
  resource_type: Type.Literal('algorithm_build'),
});
export type BuildObject = Type.Static<typeof BuildObject>;

export const AlgorithmObject = Type.Object({
  id: Type.String(),
  name: Type.String(),
  details: Type.Object({ label: Type.String(), summary: Type.String(), tagline: Type.String() }),
  settings: Settings_,
  version_info: Type.Optional(VersionInfo),
  build: Type.Optional(BuildObject),
  compilation: Type.Optional(Type.Object({ successful: Type.Boolean(), output: Type.String() })),
  source: Type.Object({
    scm: Type.Object({
      id: Type.String(),
      provider: Type.String(),
      default: Type.Boolean(),
      enabled: Type.Boolean(),
    }),
  }),
  self_link: Type.Optional(Type.String()),
  resource_type: Type.Literal('algorithm'),
});
export type AlgorithmObject = Type.Static<typeof AlgorithmObject>;

const isoOf = (atMs: number): string => new Date(atMs).toISOString();

/** Our build as the vendor's. */
export const toHttpBuild = (build: Build, version: Version | null): BuildObject => ({
  build_id: build.hash,
  status: build.status,
  commit_sha: build.hash,
  started_at: isoOf(build.startedAtMs),
  ...(build.finishedAtMs === null ? {} : { finished_at: isoOf(build.finishedAtMs) }),
  ...(version === null ? {} : { version_info: { semantic_version: version.semantic } }),
  resource_type: 'algorithm_build',
});

const toHttpSettings = (settings: Settings, environment: Environment | null): AlgorithmObject['settings'] => ({
  algorithm_callability: settings.callability,
  source_visibility: settings.sourceVisibility,
  license: settings.license,
  network_access: settings.networkAccess,
  pipeline_enabled: settings.pipelineEnabled,
  insights_enabled: settings.insightsEnabled,
  ...(environment === null ? {} : { package_set: environment.id, algorithm_environment: environment.uuid }),
});

const toHttpVersionInfo = (build: Build, version: Version | null): NonNullable<AlgorithmObject['version_info']> => ({
  git_hash: build.hash,
  ...(version === null ? {} : { semantic_version: version.semantic, version_uuid: version.uuid }),
  ...(version === null || version.releaseNotes === null ? {} : { release_notes: version.releaseNotes }),
  ...(version === null || version.sampleInput === null ? {} : { sample_input: version.sampleInput }),
});

/** What an algorithm object is made of; the log only where the whole version is shown. */
export interface AlgorithmParts {
  readonly algorithm: Algorithm;
  readonly environment: Environment | null;
  readonly build: Build | null;
  readonly version: Version | null;
  readonly log: string | null;
  /** `http://host` as the client addressed it. */
  readonly origin: string;
}

/** Our algorithm, one of its builds, and its version, as the vendor's one object. */
export const toHttpAlgorithm = (parts: AlgorithmParts): AlgorithmObject => {
  const { algorithm, environment, build, version, log } = parts;
  const path = `/v1/algorithms/${algorithm.owner}/${algorithm.label}`;
  return {
    id: algorithm.id,
    name: algorithm.label,
    details: algorithm.details,
    settings: toHttpSettings(version?.settings ?? algorithm.settings, environment),
    ...(build === null ? {} : { version_info: toHttpVersionInfo(build, version), build: toHttpBuild(build, version) }),
    ...(build === null || log === null
      ? {}
      : { compilation: { successful: build.status === 'succeeded', output: log } }),
    source: { scm: { id: 'internal', provider: 'internal', default: true, enabled: true } },
    ...(build === null ? {} : { self_link: `${parts.origin}${path}/versions/${build.hash}` }),
    resource_type: 'algorithm',
  };
};
