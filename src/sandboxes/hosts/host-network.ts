import { lookup } from 'node:dns/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { findProgram } from '../process/find-program.ts';
import { type Gate, type HostPolicy, openGate } from './gate.ts';
import { hostsFileOf, type PlannedHost, planHosts } from './host-plan.ts';
import { openListeners } from './listeners.ts';
import { createIsPublic } from './public-address.ts';

/** The way to named hosts, for sandboxes that reach nobody else. */
export interface HostNetwork {
  /** Plans a sandbox's hosts and writes its `/etc/hosts` into `folder`. Throws `SANDBOX_START_FAILED`. */
  prepare(entries: readonly string[], folder: string): Promise<PreparedHosts>;
}

export interface PreparedHosts {
  readonly hostsFile: string;
  /** Opens them in the network namespace of `pid`, which has nothing yet. */
  attach(pid: number, sandbox: string): Promise<Gate>;
}

export interface HostNetworkDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: HostPolicy;
}

/** Any name that this machine resolves, as long as it leads to a host of the Internet. */
export const createPublicHosts = (): HostPolicy => ({
  lookup: async (name) => (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address),
  isOpen: createIsPublic(),
});

/** Loopback first: without it no address can be listened on. */
const inNamespace = 'ip=$1; shift; "$ip" link set lo up && exec "$@"';

const entranceOf = (programs: { readonly nsenter: string; readonly ip: string }, pid: number): readonly string[] => {
  // Root may enter any network namespace; anybody else has to enter the user namespace that owns it.
  const owner = process.getuid?.() === 0 ? [] : ['--preserve-credentials', '-U'];
  return [programs.nsenter, ...owner, '-n', '-t', `${pid}`, '/bin/sh', '-c', inNamespace, 'sh', programs.ip];
};

/** The way to named hosts, or what this machine lacks for it. */
export const findHostNetwork = (deps: HostNetworkDeps): HostNetwork | { readonly missing: readonly string[] } => {
  const nsenter = findProgram('nsenter');
  const ip = findProgram('ip');
  if (nsenter === null || ip === null) {
    return { missing: [...(nsenter === null ? ['nsenter'] : []), ...(ip === null ? ['ip (package iproute2)'] : [])] };
  }
  const attach = async (hosts: readonly PlannedHost[], pid: number, sandbox: string): Promise<Gate> => {
    const listeners = await openListeners(entranceOf({ nsenter, ip }, pid), hosts, deps.clock);
    return openGate(listeners, { sandbox, policy: deps.policy, logger: deps.logger });
  };
  return {
    prepare: async (entries, folder) => {
      const hosts = planHosts(entries);
      const hostsFile = join(folder, 'hosts');
      await writeFile(hostsFile, hostsFileOf(hosts), { mode: 0o644 });
      return { hostsFile, attach: async (pid, sandbox) => await attach(hosts, pid, sandbox) };
    },
  };
};
