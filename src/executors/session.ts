import type { RunError, Status } from '../kernel/contracts/contracts.gen.ts';
import type { SandboxCall, SandboxClass } from './call.ts';
import type { Chaining } from './chaining/forward.ts';

/** What a sandbox answered to one call. */
export interface RunEnd {
  readonly status: Status;
  /** Seconds of the algorithm alone. */
  readonly durationS: number;
  readonly cpuS: number | null;
  readonly memoryPeakBytes: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly error: RunError | null;
  readonly contentType: 'json' | 'text' | 'binary' | 'void';
  readonly body: Buffer | null;
  readonly metrics: Readonly<Record<string, number | string | boolean>>;
  /** False: the sandbox ended with this call, or has to. */
  readonly reusable: boolean;
}

/** A prepared sandbox: the algorithm is loaded and takes calls, one at a time. */
export interface Session {
  /** Runs the call within `timeoutMs`; without `chaining` it can call no others. Never rejects: whatever happens inside is an end of the call. */
  run(call: SandboxCall, body: Buffer, timeoutMs: number, chaining?: Chaining): Promise<RunEnd>;
  /** False from the moment on which the sandbox is known to end: give it no call. */
  readonly alive: boolean;
  /** Resolves once, when the sandbox is gone. */
  readonly exited: Promise<void>;
  /** Memory in use now; null where nothing measures. Never rejects. */
  memoryBytes(): Promise<number | null>;
  /** Ends it: the algorithm gets up to `graceMs` to finish by itself. May be called twice; never rejects. */
  close(graceMs: number): Promise<void>;
}

/** How a preparation failed. */
export interface OpenFailure {
  /** `load`: the algorithm's own fault, told to its callers. `platform`: this machine's, tried again. */
  readonly kind: 'load' | 'platform';
  readonly error: RunError;
}

export type OpenEnd =
  | { readonly kind: 'open'; readonly session: Session }
  | { readonly kind: 'failed'; readonly failure: OpenFailure };

/** Starts a sandbox of the class and loads the algorithm in it. Never rejects. */
export type OpenSession = (sandboxClass: SandboxClass) => Promise<OpenEnd>;
