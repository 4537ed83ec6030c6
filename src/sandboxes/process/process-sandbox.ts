import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import type { Mount, Sandbox, SandboxExit, SandboxLimits, SandboxUsage } from '../sandbox.ts';

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ProcessSandboxParts {
  readonly id: string;
  /** Resolves with how its first process ended, once all others are gone as well. */
  readonly ended: Promise<ProcessEnd>;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly results: Socket | null;
  readonly clock: Clock;
  /** See `Sandbox.adopt`. */
  adopt(mounts: readonly Mount[], limits: SandboxLimits): Promise<void>;
  usage(): SandboxUsage;
  /** Ends every process; called at most once, while the sandbox lives. */
  kill(): void;
  /** After its end: removes what belongs to the sandbox and says whether memory ran out. Never rejects. */
  finish(): Promise<{ readonly outOfMemory: boolean }>;
}

const ignore = (): void => {};

/** The end of a child process of ours. */
export const childEnd = async (child: ChildProcess): Promise<ProcessEnd> =>
  await new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve({ code: child.exitCode, signal: child.signalCode });
      return;
    }
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });

/** The part of a sandbox that is the same for every driver. */
export const createProcessSandbox = (parts: ProcessSandboxParts): Sandbox => {
  const { stdin, results, clock } = parts;
  let ended = false;
  let killed = false;
  // A sandbox that ends while we write is seen by its exit; the broken pipe itself is not news.
  for (const stream of [stdin, parts.stdout, parts.stderr, results]) stream?.on('error', ignore);

  const finish = async (): Promise<SandboxExit> => {
    const end = await parts.ended;
    ended = true;
    const { outOfMemory } = await parts.finish();
    // The last answer may still lie in the pipe: one turn of the event loop reads it.
    await setImmediate();
    results?.destroy();
    return { ...end, outOfMemory };
  };
  const exited = finish();

  const kill = (): void => {
    if (ended || killed) return;
    killed = true;
    parts.kill();
  };
  return {
    id: parts.id,
    stdin,
    stdout: parts.stdout,
    stderr: parts.stderr,
    results,
    exited,
    adopt: async (mounts, limits) => {
      await parts.adopt(mounts, limits);
    },
    usage: () => Promise.resolve(parts.usage()),
    stop: async (graceMs) => {
      stdin.end();
      if (graceMs <= 0) kill();
      const cancel = clock.after(graceMs, kill);
      try {
        return await exited;
      } finally {
        cancel();
      }
    },
  };
};
