import type { ContentType } from './pipe/request-line.ts';
import type { SandboxExit, SandboxUsage } from './sandbox.ts';

/** One call of the algorithm that a runner has loaded. */
export interface RunRequest {
  readonly contentType: ContentType;
  /** Valid JSON for `json` (not checked here), UTF-8 for `text`, anything for `binary`. */
  readonly body: Buffer;
  readonly timeoutMs: number;
}

/** How a call ended, what it printed (at most `limits.logBytesPerRun` each; stdout holds stderr's text too) and its length. */
export type RunOutcome = RunEnd & {
  readonly stdout: string;
  readonly stderr: string;
  readonly durationS: number;
};

export type RunEnd =
  | { readonly kind: 'result'; readonly contentType: ContentType; readonly body: Buffer }
  | { readonly kind: 'error'; readonly message: string; readonly errorType: string; readonly stacktrace: string | null }
  /** The sandbox ended instead of answering. */
  | { readonly kind: 'exited'; readonly code: number | null; readonly outOfMemory: boolean }
  /** The sandbox was ended because the answer did not come in time. */
  | { readonly kind: 'timeout' };

/** A sandbox in which a language runner has loaded an algorithm. */
export interface Runner {
  readonly id: string;
  /** Whether each call runs in a process of its own, of which nothing is left when the next one begins. */
  readonly forks: boolean;
  /** False from the moment on which the sandbox is known to end: replace the runner. */
  readonly alive: boolean;
  /** Resolves once, when every process of the sandbox is gone. */
  readonly exited: Promise<SandboxExit>;
  /**
   * Runs the algorithm once. Never rejects for what the algorithm does; throws `SANDBOX_RUNNER_BUSY` while another call
   * runs. Whatever breaks the protocol (garbage, answers nobody asked for) ends the sandbox. When `alive` is false the
   * outcome is `exited`.
   */
  call(request: RunRequest): Promise<RunOutcome>;
  /** See `Sandbox.usage`. */
  usage(): Promise<SandboxUsage>;
  /** See `Sandbox.stop`. */
  stop(graceMs: number): Promise<SandboxExit>;
}
