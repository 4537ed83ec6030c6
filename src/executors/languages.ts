import { join } from 'node:path';
import type { Mount } from '../sandboxes/sandbox.ts';

/** Where a sandbox sees what. */
const appTarget = '/opt/algorithm';
const dependenciesTarget = '/opt/dependencies';
const platformTarget = '/opt/millrace';
const nodeTarget = '/opt/node/bin/node';

/** How algorithms of a language are run. */
export interface Language {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where the dependencies layer is mounted. */
  readonly dependenciesTarget: string;
  /** Beside the algorithm and its dependencies. */
  readonly mounts: readonly Mount[];
  /** Memory of the runner before it has loaded anything. */
  readonly emptyBytes: number;
}

/** The command of a runner that is started ahead and waits for its algorithm. */
export const waitingCommand = ({ command }: Language): readonly string[] => [...command, 'adopt'];

/** Where layers can be mounted later. */
export const layerTargets = ({ dependenciesTarget: target }: Language): readonly string[] =>
  target.startsWith(`${appTarget}/`) ? [appTarget] : [appTarget, target];

export interface LanguageFolders {
  /** `runtime/` of this release. */
  readonly runtimeFolder: string;
  /** The Node binary that runs JavaScript algorithms. */
  readonly nodeBinary: string;
}

const mebibyte = 1024 * 1024;
const path = '/opt/node/bin:/usr/local/bin:/usr/bin:/bin';
const everywhere = { LANG: 'C.UTF-8', ALGORITHMIA_PLATFORM: 'millrace' };

const readOnly = (source: string, target: string): Mount => ({ source, target, writable: false });

/** The languages by name, as environments declare them. */
export const createLanguages = ({ runtimeFolder, nodeBinary }: LanguageFolders): ReadonlyMap<string, Language> => {
  const platform = ['runners', 'clients'].map((name) =>
    readOnly(join(runtimeFolder, name), `${platformTarget}/${name}`),
  );
  const python: Language = {
    name: 'python3',
    command: ['/usr/bin/python3', `${platformTarget}/runners/python/runner.py`],
    environment: {
      ...everywhere,
      PATH: `${dependenciesTarget}/bin:${path}`,
      PYTHONPATH: dependenciesTarget,
      // The folders are read-only; what can be compiled ahead was, by the build.
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONIOENCODING: 'utf-8',
    },
    dependenciesTarget,
    mounts: platform,
    emptyBytes: 16 * mebibyte,
  };
  const javascript: Language = {
    name: 'javascript',
    command: [nodeTarget, `${platformTarget}/runners/javascript/runner.mjs`],
    environment: { ...everywhere, PATH: `${appTarget}/node_modules/.bin:${path}` },
    dependenciesTarget: `${appTarget}/node_modules`,
    mounts: [...platform, readOnly(nodeBinary, nodeTarget)],
    emptyBytes: 64 * mebibyte,
  };
  return new Map([
    ['python', python],
    ['python3', python],
    ['javascript', javascript],
  ]);
};

/** The algorithm's folder inside. */
export const algorithmFolder = appTarget;
