import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { sandboxErrors } from '../errors.ts';
import { firstStage } from './first-stage.ts';
import { commandPrefix, type Identity } from './identity.ts';
import { inOverlay, type Overlay } from './overlay.ts';

export interface LaunchParts {
  readonly bubblewrap: string;
  readonly identity: Identity;
  /** The process joins these groups before anything else happens. */
  readonly memberFiles: readonly string[];
  /** Size of the largest file. */
  readonly fileBytes: number;
  /** Words before the command that put it into another mount namespace. */
  readonly entrance: readonly string[];
  /** Makes the system folders of this sandbox in a mount namespace of its own; null: it sees the host's. */
  readonly overlay: Overlay | null;
  /** For bubblewrap, through a pipe; see `bubblewrapArguments`. */
  readonly settings: readonly string[];
  readonly command: readonly string[];
  /** Makes a network namespace first, lets this prepare it, and starts the sandbox in it; null: bubblewrap makes its own. */
  readonly prepareNetwork: ((pid: number) => Promise<void>) | null;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Host's id of the sandbox's first process: when it dies, the kernel kills all others before it counts as dead. */
  readonly firstPid: number;
}

/** Says on descriptor 5 that the namespace exists, and goes on when it is told to; an end of file is our own death. */
const awaitNetwork = 'echo made >&5; read -r go <&5 || exit 125; exec "$@" 5>&-';

/** bubblewrap's own network namespace belongs to a user namespace that it leaves, so nobody could attach a network later. */
const inNewNetwork = (identity: Identity): readonly string[] => [
  '/usr/bin/unshare',
  ...(identity.kind === 'same' ? ['--user', '--map-root-user'] : []),
  '--net',
  '--',
  '/bin/sh',
  '-c',
  awaitNetwork,
  'sh',
];

/** Descriptors of a launch: 0 to 2, bubblewrap's settings, its status, and the gate of a network. */
const gateFd = 5;

const fullCommand = (parts: LaunchParts): readonly string[] => [
  ...firstStage({ ...parts, highestFd: parts.prepareNetwork === null ? gateFd - 1 : gateFd }),
  ...parts.entrance,
  ...(parts.prepareNetwork === null ? [] : inNewNetwork(parts.identity)),
  ...(parts.overlay === null ? [] : inOverlay(parts.overlay, parts.identity)),
  ...commandPrefix(parts.identity),
  parts.bubblewrap,
  ...['--args', '3', '--json-status-fd', '4', '--'],
  ...parts.command,
];

const networkMade = async (child: ChildProcess, gate: Readable): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    gate.once('data', () => {
      resolve();
    });
    child.once('close', () => {
      reject(sandboxErrors.START_FAILED({ message: 'A network namespace could not be made for a sandbox.' }));
    });
  });
};

/** The process keeps its id through all stages, so the namespace is found by it. */
const openGate = async (child: ChildProcess, gate: Duplex | null, { prepareNetwork }: LaunchParts): Promise<void> => {
  if (gate === null || prepareNetwork === null || child.pid === undefined) return;
  await networkMade(child, gate);
  await prepareNetwork(child.pid);
  gate.end('go\n');
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
  const gateKind = parts.prepareNetwork === null ? 'ignore' : 'pipe';
  const child = spawn(file, rest, { env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', gateKind] });
  const [stdin, stdout, stderr, settings, status, gate] = child.stdio as unknown as [
    Writable,
    Readable,
    Readable,
    Writable,
    Readable,
    Duplex | null,
  ];
  settings.on('error', () => {});
  settings.end(parts.settings.map((part) => `${part}\0`).join(''));
  gate?.on('error', () => {});
  try {
    const [firstPid] = await Promise.all([firstStatus(child, status, stderr), openGate(child, gate, parts)]);
    status.resume();
    return { child, stdin, stdout, stderr, firstPid };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
};
