import type { Build, RunSettings } from '../catalog/catalog.ts';
import type { LogStream } from '../kernel/contracts/contracts.gen.ts';
import type { Interpreter } from '../sandboxes/interpreters.ts';

/** The builder's words: a build turns one commit of an algorithm's repository into layers that executors mount. */

/** What is to be built. */
export interface BuildOrder {
  readonly algorithmId: string;
  readonly owner: string;
  readonly name: string;
  readonly hash: string;
  readonly environment: string;
}

/** How an environment builds, from `runtime/environments/<id>/environment.yaml`. */
export interface BuildEnvironment {
  readonly id: string;
  readonly language: string;
  readonly dependencyFile: string;
  /** Shell command that prints the interpreter's version: part of a layer's key. */
  readonly interpreter: string;
  /** Installed packages of the system that count as present beside those that every system has. */
  readonly systemBase: readonly string[];
  /** JSON file that pins the dependencies: `resolve` writes it, `install` reads it. */
  readonly lockFile: string;
  /** Whether an algorithm may bring that file itself. */
  readonly ownLock: boolean;
  /** Shell command that resolves the dependencies in a folder that holds the dependency file. */
  readonly resolve: string;
  /** Shell command that installs what was resolved, in a folder that holds both files: same lock, same bytes. */
  readonly install: string;
  /** Folder that it fills: it becomes the dependency layer. */
  readonly dependencyFolder: string;
  /** Where builds, tests and runs see the layer. */
  readonly dependencyTarget: string;
  /** Shell command that ends every build, or null. */
  readonly finish: string | null;
  /** Shell command that runs the tests of an algorithm whose manifest names none, where somebody asks for them. */
  readonly test: string | null;
  readonly variables: Readonly<Record<string, string>>;
  /** What runs the language here; unset where the platform brings that itself. */
  readonly installation?: Interpreter;
}

/** What `millrace.yaml` asks for, checked. */
export interface BuildPlan {
  readonly commands: readonly string[];
  readonly test: string | null;
  /** Whether a build whose tests fail has failed. */
  readonly testGate: boolean;
  /** Packages of the system, `name` or `name=version`, sorted. */
  readonly packages: readonly string[];
  readonly run: RunSettings;
}

/** A folder in which a build works, and what its steps need of the world. */
export interface Workspace {
  readonly order: BuildOrder;
  readonly environment: BuildEnvironment;
  /** The commit's files. */
  readonly appFolder: string;
  /** Scratch beside it. */
  readonly folder: string;
  readonly log: BuildLog;
}

/** The log of one build: streamed line by line while it runs, kept whole at the end. */
export interface BuildLog {
  write(stream: LogStream, text: string): void;
  /** The last lines, for an error message. */
  tail(lines: number): string;
  /** Sends what waits and the end mark; gives the blob that holds the whole log. Call once. */
  end(): Promise<string>;
}

/** What control is told when a build ended. */
export type BuildEnd = Pick<Build, 'status' | 'artefact' | 'run' | 'tests' | 'error' | 'log' | 'lock'>;
