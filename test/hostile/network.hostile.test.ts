import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { driversUnderAttack } from './drivers.ts';

interface Scan {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly open: readonly number[];
}

/** Every address that is this host's, also of interfaces that are down. */
const hostAddresses = (): readonly string[] => [
  ...new Set([
    ...Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)),
    ...[...readFileSync('/proc/net/fib_trie', 'utf8').matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)].map(
      ([, address = '']) => address,
    ),
  ]),
];

/** Where clouds keep the credentials of a machine, and what user-mode networks offer as their own host. */
const metadata = ['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254'];
const gateways = ['10.0.2.2', '10.0.2.3', '10.137.2.2', '172.17.0.1', '172.30.137.2', '192.168.137.2'];

/** What stands on every address of this host, as a broker that is bound carelessly would. */
const openHost = async () => {
  const datagrams: string[] = [];
  const servers = ['0.0.0.0', '::1'].map(async (host) => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
  });
  const listening = await Promise.all(servers);
  const udp = createSocket('udp4', (message) => datagrams.push(message.toString()));
  await new Promise<void>((resolve) => udp.bind(0, '0.0.0.0', resolve));
  return {
    ports: listening.map(({ port }) => port),
    udpPort: udp.address().port,
    datagrams,
    close: () => {
      for (const { server } of listening) server.close();
      udp.close();
    },
  };
};

describe.each(driversUnderAttack)('an algorithm that knocks at every door, under $kind', (driver) => {
  let scene: HostileScene;
  let host: Awaited<ReturnType<typeof openHost>>;
  beforeAll(async () => {
    host = await openHost();
    scene = await openHostileScene(driver);
  });
  afterAll(async () => {
    await scene.close();
    host.close();
  });

  describe.each(['isolated', 'full'] as const)('with the network access %s', (networkAccess) => {
    it('finds no port open at any address of this host, nor metadata', async () => {
      const attacker = await scene.deploy('network', { networkAccess });
      await scene.attack(attacker, async () => {
        const hosts = [...hostAddresses(), ...gateways].filter((each) => !each.startsWith('127.') && each !== '::1');
        const addresses = [
          ...hosts.flatMap((each) => host.ports.map((port) => [each, port])),
          ...metadata.map((each) => [each, 80]),
        ];
        const result = await attacker.call('knock', { addresses }, { timeoutMs: 30_000 });
        expect(result.error).toBeNull();
        const said = valueOf(result) as Readonly<Record<string, Readonly<Record<string, number>>>>;
        for (const [address, outcomes] of Object.entries(said)) expect(outcomes, address).not.toHaveProperty('open');
        const targets = [...hosts, ...metadata].map((each) => [each, host.udpPort]);
        expect(valueOf(await attacker.call('send', { addresses: targets }))).toBe('sent');
        expect(host.datagrams).toEqual([]);
      });
    });

    it('finds nothing but its own way to the platform when it tries all ports', async () => {
      const attacker = await scene.deploy('network', { networkAccess });
      await scene.attack(attacker, async () => {
        const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
        const outer = own.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '169.254.1.1';
        const result = await attacker.call('scan_all', { hosts: ['127.0.0.1', outer] }, { timeoutMs: 25_000 });
        expect(result.error).toBeNull();
        const said = valueOf(result) as Readonly<Record<string, Scan>>;
        expect(said['127.0.0.1']?.open).toHaveLength(1);
        expect(said[outer]?.open).toEqual([]);
      });
    });
  });
});
