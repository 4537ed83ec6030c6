import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createBubblewrapDriver } from '../../src/sandboxes/bubblewrap/driver.ts';
import { createDockerDriver } from '../../src/sandboxes/docker/driver.ts';
import type { HostPolicy } from '../../src/sandboxes/hosts/gate.ts';
import { createPublicHosts } from '../../src/sandboxes/hosts/host-network.ts';
import type { SandboxDriver } from '../../src/sandboxes/sandbox.ts';

const mebibyte = 1024 * 1024;

/** Names that lead to this machine, where the test's servers stand for hosts of the Internet. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  'api.test': ['127.0.0.1'],
  'second.test': ['127.0.0.1'],
  'inner.test': ['127.0.0.2'],
  'metadata.test': ['169.254.169.254'],
};

const create = { bubblewrap: createBubblewrapDriver, docker: createDockerDriver };

const listen = async (server: NetServer): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

describe.each(['bubblewrap', 'docker'] as const)('a sandbox of the driver %s with an allow-list of hosts', (kind) => {
  let folder: string;
  let driver: SandboxDriver;
  let strict: SandboxDriver;
  let count = 0;
  let looked: string[] = [];
  let webPort = 0;
  let otherPort = 0;
  const web = createServer((request, response) => {
    response.end(`${request.headers.host ?? ''} ${request.url ?? ''}`);
  });
  /** Answers with what it was sent, once the other side has sent all. */
  const echo = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.pipe(socket);
  });

  const open = async (name: string, hostPolicy: HostPolicy): Promise<SandboxDriver> =>
    await create[kind]({
      runFolder: join(folder, name),
      socketPath: '/var/run/docker.sock',
      baseImage: 'debian:bookworm-slim',
      onProgress: () => {},
      clock: systemClock,
      logger: silentLogger,
      hostPolicy,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hosts-'));
    await chmod(folder, 0o755);
    webPort = await listen(web);
    otherPort = await listen(echo);
    const lookup = (name: string): Promise<readonly string[]> => {
      looked.push(name);
      return Promise.resolve(addresses[name] ?? []);
    };
    driver = await open('open', { lookup, isOpen: (address) => address === '127.0.0.1' });
    strict = await open('strict', { ...createPublicHosts(), lookup });
  });
  afterAll(async () => {
    await driver.close();
    await strict.close();
    web.close();
    echo.close();
    await rm(folder, { recursive: true, force: true });
  });

  const run = async (
    command: readonly string[],
    hosts: readonly string[],
    by = driver,
  ): Promise<{ readonly out: string; readonly err: string }> => {
    count += 1;
    const sandbox = await by.start({
      id: `hosts-${count}`,
      command,
      environment: { PATH: '/opt:/usr/bin:/bin' },
      workingFolder: '/tmp',
      mounts: [{ source: process.execPath, target: '/opt/node', writable: false }],
      limits: {
        memoryBytes: 512 * mebibyte,
        cpus: 2,
        processes: 64,
        diskBytes: 8 * mebibyte,
        fileBytes: 8 * mebibyte,
        gpus: 0,
      },
      network: { hosts },
      resultChannel: false,
      endpoint: null,
    });
    const [out, err] = await Promise.all([text(sandbox.stdout), text(sandbox.stderr)]);
    await sandbox.exited;
    return { out, err };
  };
  const python = async (code: string, hosts: readonly string[], by = driver): Promise<string> => {
    const { out, err } = await run(['/usr/bin/python3', '-c', code], hosts, by);
    return `${out}${err}`.trim();
  };
  const knock = (places: readonly (readonly [string, number])[]): string => `
import socket
for place in ${JSON.stringify(places)}:
    try:
        connection = socket.create_connection(tuple(place), 3)
        connection.settimeout(3)
        connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print("open" if connection.recv(1) else "closed")
    except OSError:
        print("closed")
`;

  it('reaches them from Python without a change of its code', async () => {
    const fetch = `import urllib.request; print(urllib.request.urlopen("http://api.test:${webPort}/a").read().decode())`;
    expect(await python(fetch, [`api.test:${webPort}`])).toBe(`api.test:${webPort} /a`);
  });

  it('reaches them from JavaScript, several at once', async () => {
    const code = `Promise.all(['api', 'second'].map((name) => fetch('http://' + name + '.test:${webPort}/b').then((answer) => answer.text()))).then((all) => console.log(all.join()))`;
    const { out } = await run(['/opt/node', '-e', code], [`api.test:${webPort}`, `second.test:${webPort}`]);
    expect(out.trim()).toBe(`api.test:${webPort} /b,second.test:${webPort} /b`);
  });

  it('may say that it has sent all and still read', async () => {
    const code = `
import socket
connection = socket.create_connection(("api.test", ${otherPort}))
connection.sendall(b"x" * 1000000)
connection.shutdown(socket.SHUT_WR)
total = 0
while True:
    data = connection.recv(65536)
    if not data: break
    total += len(data)
print(total)`;
    expect(await python(code, [`api.test:${otherPort}`])).toBe('1000000');
  });

  it('reaches no other port, name or address, and none of this machine', async () => {
    const places = [
      ['api.test', webPort],
      ['api.test', otherPort],
      ['second.test', webPort],
      ['127.0.0.1', webPort],
      ['127.83.0.1', otherPort],
      ['127.83.0.2', webPort],
      ['8.8.8.8', 53],
      ['169.254.169.254', 80],
      ['10.0.2.2', webPort],
      ['::1', webPort],
    ] as const;
    const outcome = await python(knock(places), [`api.test:${webPort}`]);
    expect(outcome.split('\n')).toEqual(['open', ...places.slice(1).map(() => 'closed')]);
  });

  it('has no route and no device to any network', async () => {
    const code =
      'print(len(open("/proc/net/route").readlines()), sorted(line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]))';
    expect(await python(code, [`api.test:${webPort}`])).toContain("1 ['lo'");
    const udp = `
import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("8.8.8.8", 53))
    print("sent")
except OSError as error:
    print(error.strerror)`;
    expect(await python(udp, [`api.test:${webPort}`])).toBe('Network is unreachable');
  });

  it('cannot choose another host by what it sends', async () => {
    const code = `
import http.client
connection = http.client.HTTPConnection("api.test", ${webPort})
connection.request("GET", "http://second.test/", headers={"Host": "second.test"})
print(connection.getresponse().read().decode())`;
    looked = [];
    await python(code, [`api.test:${webPort}`]);
    expect(looked).toEqual(['api.test']);
  });

  it('does not reach a name that leads to another address than it may, however the name is asked for', async () => {
    const hosts = [`inner.test:${webPort}`, 'metadata.test:80', `unknown.test:${webPort}`];
    const places = hosts.map((host) => [host.split(':')[0] ?? '', Number(host.split(':')[1])] as const);
    expect(await python(knock(places), hosts)).toBe('closed\nclosed\nclosed');
  });

  it('does not reach this machine through a public name that leads to it', async () => {
    expect(await python(knock([['api.test', webPort]]), [`api.test:${webPort}`], strict)).toBe('closed');
  });

  it('is asked the name again for each connection, and goes where the checked answer said', async () => {
    looked = [];
    const twice = knock([
      ['api.test', webPort],
      ['api.test', webPort],
    ]);
    expect(await python(twice, [`api.test:${webPort}`])).toBe('open\nopen');
    expect(looked).toEqual(['api.test', 'api.test']);
  });

  it('reaches nobody with an empty list', async () => {
    expect(
      await python(
        knock([
          ['127.0.0.1', webPort],
          ['8.8.8.8', 53],
        ]),
        [],
      ),
    ).toBe('closed\nclosed');
  });

  it('is not started with an entry that is no name of a host', async () => {
    await expect(run(['/bin/true'], ['10.0.0.1'])).rejects.toMatchObject({ code: 'SANDBOX_START_FAILED' });
  });
});
