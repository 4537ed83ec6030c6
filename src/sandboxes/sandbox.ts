import type { Readable, Writable } from 'node:stream';

/** Port of what runs untrusted code. Drivers: `bubblewrap/`, `plain/` (opt-in, development); one conformance suite. */
export interface SandboxDriver {
  readonly name: string;
  /** What this machine lets the driver enforce, for people and for pools that promise more. */
  readonly enforcement: readonly Enforcement[];
  /** Whether it starts sandboxes that can be adopted later; where not, a spec with `adoptable` is refused. */
  readonly adopts: boolean;
  /**
   * Starts a sandbox; resolves when its process runs (not when the program in it is ready). Throws
   * `SANDBOX_START_FAILED`. May be called concurrently.
   */
  start(spec: SandboxSpec): Promise<Sandbox>;
  /** Ends every sandbox that it started and removes what a killed predecessor left behind. May be called twice. */
  close(): Promise<void>;
}

export interface Enforcement {
  readonly what: 'filesystem' | 'network' | 'memory' | 'cpu' | 'processes' | 'disk' | 'file-size' | 'gpu' | 'user';
  readonly enforced: boolean;
  /** For the reader: by what, or why not and what would help. */
  readonly how: string;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

export interface SandboxLimits {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly processes: number;
  /** Size of `/tmp` and of the home folder together. */
  readonly diskBytes: number;
  /** Size of the largest file that a program may write. */
  readonly fileBytes: number;
  /** Graphics processors that it may use. */
  readonly gpus: number;
}

/**
 * Whom a sandbox reaches. `none`: own network namespace with loopback only. `outside`: own namespace, reaches other
 * hosts, not this one. `hosts`: these alone, by name, see `allowed-host.ts`.
 */
export type SandboxNetwork = 'none' | 'outside' | { readonly hosts: readonly string[] };

export interface SandboxSpec {
  /** Unique, `[a-z0-9-]`: names its run folder and cgroup. */
  readonly id: string;
  readonly command: readonly string[];
  /** The whole environment: nothing of the host's is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingFolder: string;
  /** Beyond the read-only system folders, which every sandbox sees. */
  readonly mounts: readonly Mount[];
  readonly limits: SandboxLimits;
  readonly network: SandboxNetwork;
  /** Makes `/tmp/algoout`, the FIFO on which a runner answers. A build or test must not have it. */
  readonly resultChannel: boolean;
  /** Unix socket on the host that appears inside at `/run/millrace.sock`; null: none. */
  readonly endpoint: string | null;
  /**
   * Folder with a tree of system packages (`usr/`, `etc/`), laid read-only over the system folders of this sandbox alone;
   * null or left out: none. A driver that cannot do that refuses the spec.
   */
  readonly systemLayer?: string | null;
  /**
   * Its program may make namespaces, to keep what it forks apart from itself. Needed by runners that fork calls, which
   * check it; a driver that cannot allow it starts the sandbox without.
   */
  readonly nests?: boolean;
  /** Folders that are empty until `adopt` mounts something there. */
  readonly adoptable?: readonly string[];
}

export interface SandboxExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
}

export interface SandboxUsage {
  readonly cpuS: number | null;
  readonly memoryBytes: number | null;
  readonly memoryPeakBytes: number | null;
}

export interface Sandbox {
  readonly id: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** What is written to `/tmp/algoout`, kept open for the sandbox's whole life; null without a result channel. */
  readonly results: Readable | null;
  /** Resolves once, when every process of the sandbox is gone and its folder is removed. */
  readonly exited: Promise<SandboxExit>;
  /**
   * Mounts these, read-only, at folders of `adoptable` or inside what was mounted there before, and sets new limits
   * (all but `gpus`; `fileBytes` may not grow). The program is told by whoever adopts; a folder that it stands in it has to enter again.
   * Call once. Throws `SANDBOX_START_FAILED`: the sandbox is then of no use and must be stopped.
   */
  adopt(mounts: readonly Mount[], limits: SandboxLimits): Promise<void>;
  /** Cheap enough for each call (two small file reads); nulls where nothing measures. */
  usage(): Promise<SandboxUsage>;
  /** Closes stdin, waits up to `graceMs`, then kills every process in it. Resolves as `exited`. May be called twice. */
  stop(graceMs: number): Promise<SandboxExit>;
}
