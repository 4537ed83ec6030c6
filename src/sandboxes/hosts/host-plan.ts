import { allowedHostForm, parseAllowedHost } from '../allowed-host.ts';
import { sandboxErrors } from '../errors.ts';

/** An allowed host as a sandbox finds it: an address of its own loopback network, on which its ports are answered. */
export interface PlannedHost {
  readonly name: string;
  /** In 127.83.0.0/16: loopback inside the sandbox, and nothing that programs use by themselves. */
  readonly address: string;
  readonly ports: readonly number[];
}

/** Gives each name of an allow-list an address. Throws `SANDBOX_START_FAILED` for an entry that is none. */
export const planHosts = (entries: readonly string[]): readonly PlannedHost[] => {
  const portsOf = new Map<string, Set<number>>();
  for (const entry of entries) {
    const host = parseAllowedHost(entry);
    if (host === null) throw sandboxErrors.START_FAILED({ message: `"${entry}" is not ${allowedHostForm}.` });
    const ports = portsOf.get(host.name) ?? new Set();
    for (const port of host.ports) ports.add(port);
    portsOf.set(host.name, ports);
  }
  return [...portsOf].map(([name, ports], at) => ({
    name,
    address: `127.83.${Math.floor(at / 250)}.${(at % 250) + 1}`,
    ports: [...ports],
  }));
};

/** Text of `/etc/hosts` inside. */
export const hostsFileOf = (hosts: readonly PlannedHost[]): string =>
  ['127.0.0.1 localhost millrace', '::1 localhost', ...hosts.map(({ address, name }) => `${address} ${name}`), ''].join(
    '\n',
  );
