import { describe, expect, it } from 'vitest';
import { addressesOfHost } from './host-addresses.ts';
import { createIsPublic } from './public-address.ts';

describe('an address that an allowed name may lead to', () => {
  const isPublic = createIsPublic();

  it.each(['8.8.8.8', '1.1.1.1', '172.15.0.1', '2606:4700:4700::1111', '2a00:1450::1'])('is %s', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it.each([
    ...['127.0.0.1', '127.83.0.1', '0.0.0.0', '10.1.2.3', '172.31.255.255', '192.168.1.1', '100.100.100.200'],
    ...['169.254.169.254', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fd00:ec2::254', 'ff02::1'],
    ...['::ffff:10.0.0.1', '::ffff:8.8.8.8', '64:ff9b::a00:1', '2002:a00:1::', '2001:0:1::', '', 'a.test', '8.8.8'],
  ])('is not "%s"', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  it('is none of this host', () => {
    const own = addressesOfHost();
    expect(own.map(({ address }) => address)).toContain('127.0.0.1');
    expect(own.filter(({ address }) => isPublic(address))).toEqual([]);
  });
});
