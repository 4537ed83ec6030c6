import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type UsableEnvironment, usableEnvironments } from '../catalog/environment-folder.ts';
import { type Interpreters, systemInterpreters } from '../sandboxes/interpreters.ts';
import type { Mount } from '../sandboxes/sandbox.ts';

/** Where a sandbox sees what. */
const appTarget = '/opt/algorithm';
const platformTarget = '/opt/millrace';
const nodeTarget = '/opt/node/bin/node';

/** How algorithms of an environment are run. */
export interface Language {
  /** The environment's id. */
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where the dependencies layer is mounted. */
  readonly dependenciesTarget: string;
  /** Beside the algorithm and its dependencies. */
  readonly mounts: readonly Mount[];
  /** Memory of the runner before it has loaded anything. */
  readonly emptyBytes: number;
  /** Whether its runner, given the word `fork`, makes a process for each call. */
  readonly forks: boolean;
  /** Whether sandboxes wait for its first algorithm; others wait only after somebody called one. */
  readonly prewarmed: boolean;
  /** Makes what is mounted readable for sandboxes. Await before each start; cheap after the first time. */
  prepare(): Promise<void>;
}

/** The command of a runner that is started ahead and waits for its algorithm. */
export const waitingCommand = ({ command }: Language): readonly string[] => [...command, 'adopt'];

/** The command of a runner that forks a process for each call. */
export const forkingCommand = ({ command }: Language): readonly string[] => [...command, 'fork'];

/** Where layers can be mounted later. */
export const layerTargets = ({ dependenciesTarget: target }: Language): readonly string[] =>
  target.startsWith(`${appTarget}/`) ? [appTarget] : [appTarget, target];

export interface LanguageFolders {
  /** `runtime/` of this release. */
  readonly runtimeFolder: string;
  /** The Node binary that runs JavaScript algorithms. */
  readonly nodeBinary: string;
  /** Default: what the system brings. */
  readonly interpreters?: Interpreters;
}

const mebibyte = 1024 * 1024;
const path = '/opt/node/bin:/usr/local/bin:/usr/bin:/bin';
const everywhere = { LANG: 'C.UTF-8', ALGORITHMIA_PLATFORM: 'millrace' };

/** The part of an environment's file that says how its algorithms run. */
const runSchema = Type.Object({
  build: Type.Object({ target: Type.String() }),
  run: Type.Object({
    command: Type.Array(Type.String(), { minItems: 1 }),
    /** Programs that dependencies bring. */
    path: Type.String(),
    variables: Type.Optional(Type.Record(Type.String(), Type.String())),
    empty_mb: Type.Integer({ minimum: 1 }),
    forks: Type.Optional(Type.Boolean()),
    prewarmed: Type.Boolean(),
  }),
});

const readOnly = (source: string, target: string): Mount => ({ source, target, writable: false });

interface PlatformMounts {
  readonly platform: readonly Mount[];
  readonly node: Mount;
}

type RunText = Static<typeof runSchema>['run'];

/** The environment's own interpreter is called by its full path, everything else as it is written. */
const commandOf = ({ command }: RunText, { interpreter }: UsableEnvironment): readonly string[] => {
  const [program = '', ...words] = command;
  return [interpreter !== null && !program.startsWith('/') ? interpreter.path : program, ...words];
};

const languageOf = (name: string, usable: UsableEnvironment, { platform, node }: PlatformMounts): Language => {
  const { build, run } = Value.Parse(runSchema, usable.text);
  const { interpreter } = usable;
  const bin = interpreter?.binFolder ?? null;
  const tools = run.command[0] === nodeTarget ? [node] : [];
  return {
    name,
    command: commandOf(run, usable),
    environment: {
      ...everywhere,
      PATH: [bin, run.path, path].filter((part) => part !== null).join(':'),
      ...run.variables,
    },
    dependenciesTarget: build.target,
    mounts: [...platform, ...tools, ...(interpreter?.mounts ?? [])],
    emptyBytes: run.empty_mb * mebibyte,
    forks: run.forks ?? false,
    prewarmed: run.prewarmed,
    prepare: async () => {
      await interpreter?.prepare();
    },
  };
};

/**
 * What can be run on this machine, by environment: the folders of `runtime/environments/` whose interpreter is found.
 * Throws when a file there is not as declared.
 */
export const createLanguages = (folders: LanguageFolders): ReadonlyMap<string, Language> => {
  const { runtimeFolder, nodeBinary, interpreters = systemInterpreters } = folders;
  const platform = ['runners', 'clients'].map((name) =>
    readOnly(join(runtimeFolder, name), `${platformTarget}/${name}`),
  );
  const mounts = { platform, node: readOnly(nodeBinary, nodeTarget) };
  const usable = usableEnvironments(join(runtimeFolder, 'environments'), interpreters);
  return new Map([...usable].map(([id, each]) => [id, languageOf(id, each, mounts)]));
};

/** The algorithm's folder inside. */
export const algorithmFolder = appTarget;
