import type { Build, RunSettings } from '../catalog/catalog.ts';
import type { LogStream } from '../kernel/contracts/contracts.gen.ts';

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
  /** File that pins the dependencies where the algorithm has one; null: the environment knows none. */
  readonly lockFile: string | null;
  /** Shell command that resolves the dependencies in a folder that holds the dependency file. */
  readonly dependencies: string;
  /** The same from a lock file; null: as `dependencies`. */
  readonly dependenciesLocked: string | null;
  /** Folder that the command fills: it becomes the dependency layer. */
  readonly dependencyFolder: string;
  /** Where builds, tests and runs see the layer. */
  readonly dependencyTarget: string;
  /** Shell command that ends every build, or null. */
  readonly finish: string | null;
  /** Shell command that runs the tests of an algorithm whose manifest names none, where somebody asks for them. */
  readonly test: string | null;
  readonly variables: Readonly<Record<string, string>>;
}

/** What `millrace.yaml` asks for, checked. */
export interface BuildPlan {
  readonly commands: readonly string[];
  readonly test: string | null;
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
export type BuildEnd = Pick<Build, 'status' | 'artefact' | 'run' | 'tests' | 'error' | 'log'>;
