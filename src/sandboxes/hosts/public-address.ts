import { BlockList, isIP } from 'node:net';
import { addressesOfHost } from './host-addresses.ts';

/** What is no host of the public Internet: private, shared, local, documentation, multicast, and ways around these. */
const ranges: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  // Link-local: instance metadata, credentials included.
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  // Of IPv6 only global unicast is public, and of that not the parts that carry IPv4 addresses or none.
  ['::', 3, 'ipv6'],
  ['4000::', 2, 'ipv6'],
  ['8000::', 1, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
];

/** Makes the check whether an address is one of another host on the public Internet. This host's own, as they are at that time, are none. */
export const createIsPublic = (): ((address: string) => boolean) => {
  // One list for each: a list takes IPv4 addresses for members of IPv6 networks.
  const closed = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [network, prefix, family] of ranges) closed[family].addSubnet(network, prefix, family);
  return (address) => {
    const version = isIP(address);
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (version === 0 || closed[family].check(address, family)) return false;
    const own = new BlockList();
    for (const each of addressesOfHost()) own.addAddress(each.address, each.family);
    return !own.check(address, family);
  };
};
