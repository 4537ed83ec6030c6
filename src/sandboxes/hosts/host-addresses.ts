import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** An address at which this host may be reached. */
export interface HostAddress {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
}

/** Addresses at which the kernel takes packets for this host: also those of interfaces that are down, a bridge without members say. */
const routedAddresses = (): readonly HostAddress[] => {
  try {
    const table = readFileSync('/proc/net/fib_trie', 'utf8');
    return [...table.matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)].map(([, address = '']) => ({
      address,
      family: 'ipv4',
    }));
  } catch {
    return []; // a kernel without it
  }
};

const interfaceAddresses = (): readonly HostAddress[] =>
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address, family }) => ({ address, family: family === 'IPv4' ? 'ipv4' : 'ipv6' }));

/** Every address of this host as it is now, once. Reads from the kernel each time: addresses come and go. */
export const addressesOfHost = (): readonly HostAddress[] => [
  ...new Map([...interfaceAddresses(), ...routedAddresses()].map((each) => [each.address, each])).values(),
];
