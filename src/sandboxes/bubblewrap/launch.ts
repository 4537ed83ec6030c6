import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { sandboxErrors } from '../errors.ts';
import { commandPrefix, type Identity } from './identity.ts';

export interface LaunchParts {
  readonly bubblewrap: string;
  readonly identity: Identity;
  /** The process joins these groups before anything else happens. */
  readonly memberFiles: readonly string[];
  /** For bubblewrap, through a pipe; see `bubblewrapArguments`. */
  readonly settings: readonly string[];
  readonly command: readonly string[];
  /** The command starts only when {@link Launched.release} is called. */
  readonly held: boolean;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Host's id of the sandbox's first process: when it dies, the kernel kills all others before it counts as dead. */
  readonly firstPid: number;
  release(): void;
}

const joinGroups =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ >"$1" || exit 125; shift; n=$((n-1)); done; exec "$@"';

const fullCommand = (parts: LaunchParts): readonly string[] => {
  const options = ['--args', '3', '--json-status-fd', '4', ...(parts.held ? ['--block-fd', '5'] : [])];
  const run = [...commandPrefix(parts.identity), parts.bubblewrap, ...options, '--', ...parts.command];
  return parts.memberFiles.length === 0
    ? run
    : ['/bin/sh', '-c', joinGroups, 'sh', `${parts.memberFiles.length}`, ...parts.memberFiles, ...run];
};

const firstStatus = async (child: ChildProcess, status: Readable, stderr: Readable): Promise<number> => {
  let said = '';
  return await new Promise<number>((resolve, reject) => {
    const fail = (reason: string): void => {
      const message = `A sandbox did not start: ${said.trim() || reason}`;
      reject(sandboxErrors.START_FAILED({ message, details: { said } }));
    };
    // Not before the end: what a running program says belongs to whoever reads the sandbox.
    const listen = (): void => {
      stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    };
    child.once('exit', listen);
    child.once('error', (error) => {
      fail(error.message);
    });
    child.once('close', (code) => {
      fail(`its process ended with ${String(code)}`);
    });
    status.once('data', (chunk: Buffer) => {
      const pid = /"child-pid": (\d+)/.exec(chunk.toString())?.[1];
      if (pid === undefined) return;
      child.off('exit', listen);
      resolve(Number(pid));
    });
  });
};

/** Starts bubblewrap; resolves when its namespaces exist. Throws `SANDBOX_START_FAILED` with what it said. */
export const launch = async (parts: LaunchParts): Promise<Launched> => {
  const [file = '', ...rest] = fullCommand(parts);
  const child = spawn(file, rest, {
    env: {},
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', parts.held ? 'pipe' : 'ignore'],
  });
  const [stdin, stdout, stderr, settings, status, gate] = child.stdio as unknown as [
    Writable,
    Readable,
    Readable,
    Writable,
    Readable,
    Writable | null,
  ];
  settings.on('error', () => {});
  settings.end(parts.settings.map((part) => `${part}\0`).join(''));
  gate?.on('error', () => {});
  const firstPid = await firstStatus(child, status, stderr);
  status.resume();
  return { child, stdin, stdout, stderr, firstPid, release: () => gate?.end('1') };
};
