import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { sandboxErrors } from '../errors.ts';
import { execute } from '../process/execute.ts';
import { findProgram } from '../process/find-program.ts';

/** The way out of a sandbox: user-mode networking, one process per sandbox. */
export interface OutsideNetwork {
  /** Address of the resolver inside. */
  readonly nameserver: string;
  /** Attaches the network namespace of `pid`. Resolves when it works and the host is closed. */
  attach(at: {
    readonly pid: number;
    readonly folder: string;
    readonly prefix: readonly string[];
  }): Promise<Attachment>;
}

export interface Attachment {
  close(): void;
}

interface Programs {
  readonly slirp: string;
  readonly nsenter: string;
  readonly ip: string;
}

const readyTimeoutMs = 10_000;
/** Link-local addresses serve instance metadata, credentials included; the last one is Alibaba Cloud's. */
const metadata = ['169.254.0.0/16', '100.100.100.200/32'];
const candidates = ['10.0.2', '10.137.2', '172.30.137', '192.168.137'];

const hostAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.internal)
    .map((address) => address.address);

/** The first three bytes of a network that no address of this host lies in. */
const freeNetwork = (): string => {
  const taken = hostAddresses();
  return candidates.find((network) => !taken.some((address) => address.startsWith(`${network}.`))) ?? '10.0.2';
};

const closeRoutes = async (programs: Programs, at: Parameters<OutsideNetwork['attach']>[0]): Promise<void> => {
  const closed = [...metadata, ...hostAddresses().map((address) => `${address}/32`)];
  const file = join(at.folder, 'routes');
  await writeFile(file, closed.map((network) => `route add unreachable ${network}\n`).join(''), { mode: 0o644 });
  // Root may change any network namespace; anybody else has to enter the user namespace that owns it first.
  const owner = process.getuid?.() === 0 ? [] : ['--preserve-credentials', '-U'];
  const done = await execute([programs.nsenter, ...owner, '-n', '-t', `${at.pid}`, programs.ip, '-batch', file]);
  if (done.code !== 0) {
    throw sandboxErrors.START_FAILED({
      message: `The host's addresses could not be closed for a sandbox: ${done.output}`,
    });
  }
};

/** A machine without udev leaves the device to root alone; slirp4netns then starts as root and drops its rights itself. */
const slirpPrefix = (prefix: readonly string[]): readonly string[] =>
  (statSync('/dev/net/tun').mode & 0o006) === 0o006 ? prefix : [];

const untilReady = async (child: ChildProcess, clock: Clock): Promise<void> => {
  const ready = child.stdio[3] as Readable;
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2000);
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => {
      cancel();
      reject(
        sandboxErrors.START_FAILED({
          message: `The network of a sandbox did not start: ${said.trim() || 'no reason given'}`,
        }),
      );
    };
    const cancel = clock.after(readyTimeoutMs, fail);
    ready.once('data', () => {
      cancel();
      resolve();
    });
    child.once('exit', fail);
    child.once('error', fail);
  });
};

const mayTunnel = (): boolean => {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const findPrograms = (): Programs | readonly string[] => {
  const slirp = findProgram('slirp4netns');
  const nsenter = findProgram('nsenter');
  const ip = findProgram('ip');
  const tunnel = mayTunnel();
  if (slirp !== null && nsenter !== null && ip !== null && tunnel) return { slirp, nsenter, ip };
  const named = {
    slirp4netns: slirp,
    nsenter,
    'ip (package iproute2)': ip,
    'a readable and writable /dev/net/tun': tunnel || null,
  };
  return Object.entries(named).flatMap(([name, found]) => (found === null ? [name] : []));
};

/** The way out, or what this machine lacks for it. */
export const findOutsideNetwork = (clock: Clock): OutsideNetwork | { readonly missing: readonly string[] } => {
  const programs = findPrograms();
  if (!('slirp' in programs)) return { missing: programs };
  const network = freeNetwork();
  return {
    nameserver: `${network}.3`,
    attach: async (at) => {
      const options = [
        '--configure',
        '--mtu=65520',
        '--enable-sandbox',
        '--enable-seccomp',
        '--disable-host-loopback',
        `--cidr=${network}.0/24`,
      ];
      const [file = '', ...rest]: readonly string[] = [...slirpPrefix(at.prefix), programs.slirp];
      // It ends by itself when descriptor 4 closes, so also when we are killed.
      const child = spawn(file, [...rest, ...options, '--ready-fd=3', '--exit-fd=4', `${at.pid}`, 'tap0'], {
        env: {},
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      });
      const close = (): void => {
        child.kill('SIGKILL');
      };
      try {
        await Promise.all([untilReady(child, clock), closeRoutes(programs, at)]);
      } catch (error) {
        close();
        throw error;
      }
      return { close };
    },
  };
};
