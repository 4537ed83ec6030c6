import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { sandboxErrors } from '../errors.ts';
import { addressesOfHost } from '../hosts/host-addresses.ts';
import { execute } from '../process/execute.ts';
import { findProgram } from '../process/find-program.ts';

/** The way out of a sandbox: user-mode networking, one process per sandbox. */
export interface OutsideNetwork {
  /** Address of the resolver inside. */
  readonly nameserver: string;
  /**
   * Brings up the network namespace of `pid`, with what it needs for that in `folder`. Resolves when it works and this
   * host is closed to it.
   */
  attach(pid: number, folder: string): Promise<Attachment>;
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
/** Link-local addresses serve instance metadata, credentials included; the others are Alibaba Cloud's and Azure's. */
const metadata = ['169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32'];
const candidates = ['10.0.2', '10.137.2', '172.30.137', '192.168.137'];

/** Without loopback's own, which leads to the sandbox itself; of IPv6 there is no way out at all. */
const hostAddresses = (): readonly string[] =>
  addressesOfHost()
    .filter(({ family, address }) => family === 'ipv4' && !address.startsWith('127.'))
    .map(({ address }) => address);

/** The first three bytes of a network that no address of this host lies in. */
const freeNetwork = (): string => {
  const taken = hostAddresses();
  return candidates.find((network) => !taken.some((address) => address.startsWith(`${network}.`))) ?? '10.0.2';
};

const isRoot = (): boolean => process.getuid?.() === 0;

/** Loopback, and no route to this host and to metadata. */
const configure = async (programs: Programs, pid: number, folder: string): Promise<void> => {
  const closed = [...metadata, ...hostAddresses().map((address) => `${address}/32`)];
  const lines = ['link set lo up', ...closed.map((network) => `route add unreachable ${network}`)];
  const file = join(folder, 'network');
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  // Root may change any network namespace; anybody else has to enter the user namespace that owns it.
  const owner = isRoot() ? [] : ['--preserve-credentials', '-U'];
  const done = await execute([programs.nsenter, ...owner, '-n', '-t', `${pid}`, programs.ip, '-batch', file]);
  if (done.code !== 0) {
    throw sandboxErrors.START_FAILED({
      message: `The host could not be closed for a sandbox's network: ${done.output}`,
    });
  }
};

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
    attach: async (pid, folder) => {
      const options = ['--configure', '--mtu=65520', '--enable-sandbox', '--enable-seccomp', '--disable-host-loopback'];
      const target = isRoot() ? ['--netns-type=path', `/proc/${pid}/ns/net`] : [`${pid}`];
      // It ends by itself when descriptor 4 closes, so also when we are killed.
      const own = [`--cidr=${network}.0/24`, '--ready-fd=3', '--exit-fd=4'];
      const child = spawn(programs.slirp, [...options, ...own, ...target, 'tap0'], {
        env: {},
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      });
      const close = (): void => {
        child.kill('SIGKILL');
      };
      try {
        await Promise.all([configure(programs, pid, folder), untilReady(child, clock)]);
      } catch (error) {
        close();
        throw error;
      }
      return { close };
    },
  };
};
