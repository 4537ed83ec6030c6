import { type Static, Type } from 'typebox';
import { entityKind } from '../kernel/entity.ts';

/** Algorithms, their builds and versions, and the environments they run in: the words that others use. */

const Nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const environmentKind = entityKind({
  kind: 'environment',
  schema: Type.Object({
    /** Folder name under `runtime/environments/`, for example `python3`. */
    id: Type.String(),
    /** UUID under which the v1 API shows it. */
    uuid: Type.String(),
    label: Type.String(),
    language: Type.String(),
    /** File whose content decides the dependency layer, for example `requirements.txt`. */
    dependencyFile: Type.String(),
  }),
  idOf: (environment) => environment.id,
});
export type Environment = Static<typeof environmentKind.schema>;

export const settingsSchema = Type.Object({
  callability: Type.Union([Type.Literal('public'), Type.Literal('private')]),
  sourceVisibility: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
  license: Type.String(),
  networkAccess: Type.Union([Type.Literal('full'), Type.Literal('isolated')]),
  pipelineEnabled: Type.Boolean(),
  insightsEnabled: Type.Boolean(),
});
export type Settings = Static<typeof settingsSchema>;

export const algorithmKind = entityKind({
  kind: 'algorithm',
  schema: Type.Object({
    id: Type.String(),
    owner: Type.String(),
    /** Lower case; `label` keeps the spelling, which `src/<label>.py` needs. */
    name: Type.String(),
    label: Type.String(),
    details: Type.Object({ label: Type.String(), summary: Type.String(), tagline: Type.String() }),
    environment: Type.String(),
    settings: settingsSchema,
    createdAtMs: Type.Number(),
  }),
  idOf: (algorithm) => algorithm.id,
});
export type Algorithm = Static<typeof algorithmKind.schema>;

/** How a build is to be run: from its `millrace.yaml`, within the pool's maximum. */
export const runSettingsSchema = Type.Object({
  pool: Type.String(),
  isolation: Type.Union([Type.Literal('account'), Type.Literal('call'), Type.Literal('shared')]),
  memoryBytes: Type.Number(),
  cpus: Type.Number(),
  processes: Type.Number(),
  loadTimeoutS: Type.Number(),
  // Builds from before these existed have none of them.
  /** Size of `/tmp` and of the home folder together. */
  diskBytes: Type.Optional(Type.Number()),
  /** Size of the largest file. */
  fileBytes: Type.Optional(Type.Number()),
  gpus: Type.Optional(Type.Number()),
  /** Of the hosts outside only these, as `NAME` or `NAME:PORT`; null: all. Nobody is reached without network access. */
  hosts: Type.Optional(Nullable(Type.Array(Type.String()))),
});
export type RunSettings = Static<typeof runSettingsSchema>;

export const buildKind = entityKind({
  kind: 'build',
  schema: Type.Object({
    algorithmId: Type.String(),
    /** The commit. */
    hash: Type.String(),
    environment: Type.String(),
    status: Type.Union([Type.Literal('in-progress'), Type.Literal('succeeded'), Type.Literal('failed')]),
    requestedBy: Type.String(),
    startedAtMs: Type.Number(),
    finishedAtMs: Nullable(Type.Number()),
    /** Layers in the blob store, by content digest (sha256 hex). Null until it succeeded. */
    artefact: Nullable(
      Type.Object({
        app: Type.String(),
        dependencies: Nullable(Type.String()),
        /** Tree of system packages; left out by builds of before there were any. */
        system: Type.Optional(Nullable(Type.String())),
        sizeBytes: Type.Number(),
      }),
    ),
    run: Nullable(runSettingsSchema),
    /** The algorithm's own tests, when it has any. */
    tests: Nullable(Type.Object({ passed: Type.Boolean(), summary: Type.String() })),
    /** What failed, for the reader; null when it did not fail. */
    error: Nullable(Type.Object({ step: Type.String(), message: Type.String() })),
    /** Blob that holds the whole build log. */
    log: Nullable(Type.String()),
    /** Blob that says what was resolved for it: packages with versions and digests. Null or left out: nothing was. */
    lock: Type.Optional(Nullable(Type.String())),
  }),
  idOf: (build) => `${build.algorithmId}/${build.hash}`,
});
export type Build = Static<typeof buildKind.schema>;

export const versionKind = entityKind({
  kind: 'version',
  schema: Type.Object({
    algorithmId: Type.String(),
    /** `MAJOR.MINOR.REVISION`. */
    semantic: Type.String(),
    uuid: Type.String(),
    build: Type.String(),
    callability: Type.Union([Type.Literal('public'), Type.Literal('private')]),
    settings: settingsSchema,
    releaseNotes: Nullable(Type.String()),
    sampleInput: Nullable(Type.String()),
    publishedAtMs: Type.Number(),
    publishedBy: Type.String(),
  }),
  idOf: (version) => `${version.algorithmId}/${version.semantic}`,
});
export type Version = Static<typeof versionKind.schema>;

/** What a call runs: an algorithm, one of its builds, and the version that named it (null when called by hash). */
export interface Resolved {
  readonly algorithm: Algorithm;
  readonly build: Build;
  readonly version: Version | null;
}

/** Questions that programs ask of the catalog; answered from memory. */
export interface Catalog {
  /** By owner and name, any case. */
  algorithm(owner: string, name: string): Algorithm | null;
  algorithmById(id: string): Algorithm | null;
  algorithmsOf(owner: string): readonly Algorithm[];
  /** Newest first. */
  builds(algorithmId: string): readonly Build[];
  build(algorithmId: string, hash: string): Build | null;
  /** Newest first. */
  versions(algorithmId: string): readonly Version[];
  environment(idOrUuid: string): Environment | null;
  environments(): readonly Environment[];
  /**
   * What `selector` names: null (latest published version visible to the account), `1`, `1.2`, `1.2.3`, or a 40-hex
   * build hash (visible to the owner and its members only). Null when unknown or not visible: the two look alike.
   */
  resolve(query: {
    readonly owner: string;
    readonly name: string;
    readonly selector: string | null;
    readonly account: string;
  }): Resolved | null;
}
