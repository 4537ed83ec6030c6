import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '../sandbox.ts';

/** What of the host's system every sandbox sees, read-only. */
export interface SystemFolder {
  readonly mounts: readonly Mount[];
  /** Those of `mounts` that are our own files of /etc: users, names, where names are looked up. */
  readonly own: readonly Mount[];
  /** Links at the root, as on a merged-/usr system. */
  readonly links: readonly { readonly to: string; readonly at: string }[];
  /** `resolv.conf` for sandboxes with a network. */
  readonly resolver: Mount;
}

/** uid and gid inside, as in the vendor's images. */
export const insideUid = 2222;

/** Files of /etc that programs need and that tell nothing about this host. Missing ones are left out. */
const hostFiles = [
  '/etc/alternatives',
  '/etc/ca-certificates.conf',
  '/etc/crypto-policies',
  '/etc/fonts',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/localtime',
  '/etc/magic',
  '/etc/mime.types',
  '/etc/pki/ca-trust',
  '/etc/pki/tls/certs',
  '/etc/protocols',
  '/etc/services',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
];
const javaFolders = ['8', '11', '17', '21', '25'].map((version) => `/etc/java-${version}-openjdk`);
const rootFolders = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

const ownFiles = (nameserver: string): Readonly<Record<string, string>> => ({
  passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\nalgo:x:${insideUid}:${insideUid}:algo:/home/algo:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n`,
  group: `root:x:0:\nalgo:x:${insideUid}:\nnogroup:x:65534:\n`,
  hosts: '127.0.0.1 localhost millrace\n::1 localhost\n',
  hostname: 'millrace\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'resolv.conf': `nameserver ${nameserver}\noptions timeout:5 attempts:2\n`,
});

const asMount = (source: string, target = source): Mount => ({ source, target, writable: false });

/** Writes our own files of /etc into `folder` and lists what is mounted where. */
export const prepareSystemFolder = async (folder: string, nameserver: string): Promise<SystemFolder> => {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const files = ownFiles(nameserver);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o644);
  }
  const own = Object.keys(files)
    .filter((name) => name !== 'resolv.conf')
    .map((name) => asMount(join(folder, name), `/etc/${name}`));
  return {
    own,
    mounts: [
      asMount('/usr'),
      ...[...hostFiles, ...javaFolders].filter((path) => existsSync(path)).map((path) => asMount(path)),
      ...own,
    ],
    links: rootFolders
      .filter((name) => existsSync(`/usr/${name}`))
      .map((name) => ({ to: `usr/${name}`, at: `/${name}` })),
    resolver: asMount(join(folder, 'resolv.conf'), '/etc/resolv.conf'),
  };
};
