import type { Build, RunSettings } from '../catalog/catalog.ts';
import type { BodyType, LogStream, Result, RunError } from '../kernel/contracts/contracts.gen.ts';

/** Runs on the machine of who writes an algorithm: builder, sandboxes and runners of the platform, no log. */

/** A folder's files, as a deploy would send them. */
export interface LocalSource {
  /** Absolute path of the folder: what was built of it before is replaced one day. */
  readonly folder: string;
  readonly name: string;
  /** Folder name under `runtime/environments/`. */
  readonly environment: string;
  /** `.tar.gz` of the files. */
  readonly archive: Buffer;
}

/** What a deploy of the source would have made. */
export interface LocalBuild {
  readonly source: Omit<LocalSource, 'archive'>;
  /** 40 hex digits: the same for the same files. */
  readonly hash: string;
  /** The layers' digests: those that the platform's builder gets for these files. */
  readonly artefact: NonNullable<Build['artefact']>;
  readonly run: RunSettings;
  /** True when these very files were built before. */
  readonly unchanged: boolean;
}

/** A line, or a piece of one, of a build or a test. */
export type Tell = (stream: LogStream, text: string) => void;

export interface LocalCall {
  readonly contentType: BodyType;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

/** A sandbox that has loaded the algorithm. */
export interface LocalSession {
  /** One call at a time; others wait. Never rejects. */
  run(call: LocalCall): Promise<Result>;
  /** Ends it when the calls that were made are done. May be called twice. */
  close(): Promise<void>;
}

export type LocalOpenEnd =
  | { readonly kind: 'open'; readonly session: LocalSession }
  /** The algorithm does not load, or this machine cannot run it. */
  | { readonly kind: 'failed'; readonly error: RunError };

export interface RunOptions {
  /** Whether the code may reach other hosts, as an algorithm with `network_access: full` may. */
  readonly network: boolean;
}

/** A program in the surroundings of a run, for a person. */
export interface LocalShell {
  /** A terminal of this many columns and rows, or null for plain pipes. */
  readonly terminal: TerminalSize | null;
  /** Empty: a shell. */
  readonly command: readonly string[];
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A running program. */
export interface RunningShell {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  /** Tells it the terminal's new size; nothing without a terminal. */
  resize(size: TerminalSize): void;
  /** Exit code of the program; 128 and more when a signal ended it. */
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

/** What a server tells while it is up. */
export type ServeNews =
  | { readonly kind: 'reloading' }
  | { readonly kind: 'reloaded'; readonly build: LocalBuild; readonly seconds: number }
  /** The folder cannot be built or loaded as it is now: what was served before still is. */
  | { readonly kind: 'kept'; readonly reason: string };

export interface ServeOptions extends RunOptions {
  /** 0 takes any free one. */
  readonly port: number;
  readonly build: LocalBuild;
  readonly session: LocalSession;
  /** Whether a file or folder of that name belongs to the source. */
  readonly isSource: (name: string) => boolean;
  /** Reads the folder again. */
  readonly readSource: () => Promise<LocalSource>;
  readonly tell: Tell;
  readonly onNews: (news: ServeNews) => void;
}

export interface LocalServer {
  readonly address: string;
  /** Answers what came in, then ends the sandbox. */
  close(): Promise<void>;
}

export interface LocalPlatform {
  /** What of the limits this machine does not enforce, for the reader. */
  readonly warnings: readonly string[];
  /** Builds as the platform does, without the algorithm's tests; at once when these files were built before. Throws `LOCAL_BUILD_FAILED`. */
  readonly build: (source: LocalSource, tell: Tell) => Promise<LocalBuild>;
  /** Runs the algorithm's own tests on what was built. Null when it has none. */
  test(build: LocalBuild, tell: Tell): Promise<{ readonly passed: boolean; readonly summary: string } | null>;
  readonly open: (build: LocalBuild, options: RunOptions) => Promise<LocalOpenEnd>;
  startShell(build: LocalBuild, shell: LocalShell & RunOptions): Promise<RunningShell>;
  serve(options: ServeOptions): Promise<LocalServer>;
  /** The whole answer to a call as the platform's door gives it to the algorithm's owner: JSON. */
  answer(result: Result): Buffer;
  /** Checks a body as the platform's door does. Throws `INGRESS_BAD_JSON` and the like. */
  bodyType(contentType: string, body: Buffer): BodyType;
  /** Ends every sandbox. May be called twice. */
  close(): Promise<void>;
}
