import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type Attachment, findOutsideNetwork, type OutsideNetwork } from '../bubblewrap/network.ts';
import { sandboxErrors } from '../errors.ts';
import type { HostPolicy } from '../hosts/gate.ts';
import { createPublicHosts, findHostNetwork, type HostNetwork } from '../hosts/host-network.ts';
import type { SandboxSpec } from '../sandbox.ts';

type Missing = { readonly missing: readonly string[] };

/** The ways out of a container, which itself has none: they are made in its network namespace, as for bubblewrap. */
export interface Networks {
  readonly outside: OutsideNetwork | Missing;
  readonly hosts: HostNetwork | Missing;
}

/** The way of one sandbox. */
export interface PreparedNetwork {
  /** Host path of what stands at `/etc/hosts`; null: the system's. */
  readonly hostsFile: string | null;
  /** Makes it for the container with this first process; null: it stays closed. */
  readonly open: ((pid: number) => Promise<Attachment>) | null;
}

export interface NetworksDeps {
  readonly hostPolicy?: HostPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const findNetworks = ({ hostPolicy: policy = createPublicHosts(), clock, logger }: NetworksDeps): Networks => ({
  outside: findOutsideNetwork(clock),
  hosts: findHostNetwork({ clock, logger, policy }),
});

const found = <Network extends object>(network: Network | Missing, spec: SandboxSpec): Network => {
  if (!('missing' in network)) return network;
  throw sandboxErrors.START_FAILED({
    message: `Sandbox ${spec.id} needs a network, for which this machine lacks: ${network.missing.join(', ')}.`,
  });
};

/** Prepares the way that the spec asks for, with what it needs in `folder`. Throws `SANDBOX_START_FAILED`. */
export const prepareNetwork = async (
  networks: Networks,
  spec: SandboxSpec,
  folder: string,
): Promise<PreparedNetwork> => {
  if (spec.network === 'none') return { hostsFile: null, open: null };
  if (spec.network === 'outside') {
    const outside = found(networks.outside, spec);
    return { hostsFile: null, open: async (pid) => await outside.attach(pid, folder) };
  }
  const hosts = await found(networks.hosts, spec).prepare(spec.network.hosts, folder);
  return { hostsFile: hosts.hostsFile, open: async (pid) => await hosts.attach(pid, spec.id) };
};
