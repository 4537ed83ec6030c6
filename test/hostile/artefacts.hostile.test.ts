import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { driversUnderAttack, oneDriver } from './drivers.ts';

type Entry = Partial<Header> & { readonly name: string };

const conf: readonly [string, string] = ['algorithmia.conf', '{"algoname":"work"}'];
const source = 'import os\ndef apply(input):\n    return open(input["path"]).read()\n';

/** An artefact with these entries besides what makes it run. */
const packedWith = async (entries: readonly Entry[]): Promise<Buffer> => {
  const archive = pack();
  for (const [name, content] of [conf, ['src/work.py', source] as const]) archive.entry({ name }, content);
  for (const entry of entries) {
    if (entry.type === 'file') archive.entry(entry, 'planted');
    else archive.entry(entry);
  }
  archive.finalize();
  return gzipSync(await buffer(archive));
};

const cases: readonly (readonly [string, readonly Entry[]])[] = [
  ['a link to /etc/shadow', [{ name: 'taken', type: 'symlink', linkname: '/etc/shadow' }]],
  ['a link out of its folder', [{ name: 'taken', type: 'symlink', linkname: '../../../../etc/shadow' }]],
  ['a link that climbs later', [{ name: 'a/taken', type: 'symlink', linkname: 'b/../../../c' }]],
  [
    'a link and a file through it',
    [
      { name: 'way', type: 'symlink', linkname: '/tmp' },
      { name: 'way/hostile-planted', type: 'file' },
    ],
  ],
  ['a hard link to /etc/shadow', [{ name: 'taken', type: 'link', linkname: '/etc/shadow' }]],
  ['a hard link out of its folder', [{ name: 'taken', type: 'link', linkname: '../../x' }]],
  ['an absolute path', [{ name: '/tmp/hostile-planted', type: 'file' }]],
  ['a path that climbs', [{ name: '../../../../tmp/hostile-planted', type: 'file' }]],
  ['a block device', [{ name: 'disk', type: 'block-device', devmajor: 8, devminor: 0 }]],
  ['a character device', [{ name: 'memory', type: 'character-device', devmajor: 1, devminor: 1 }]],
  ['a named pipe', [{ name: 'pipe', type: 'fifo' }]],
];

describe.each(oneDriver)('an artefact that holds more than files', (driver) => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene(driver);
  });
  afterAll(async () => {
    await scene.close();
  });

  it.each(cases)('is refused with %s', async (_, entries) => {
    const attacker = await scene.deploySource('', { packed: await packedWith(entries) });
    await scene.attack(attacker, async () => {
      const result = await attacker.call('read', { path: '/opt/algorithm/taken' }, { timeoutMs: 10_000 });
      expect(['failed', 'timeout']).toContain(result.status);
      expect(result.body).toBeNull();
      await expect(readFile('/tmp/hostile-planted')).rejects.toThrow('ENOENT');
    });
  });
});

describe.each(driversUnderAttack)('an artefact with a link, under $kind', (driver) => {
  let scene: HostileScene;
  beforeAll(async () => {
    scene = await openHostileScene(driver);
  });
  afterAll(async () => {
    await scene.close();
  });

  it('gives what lies in it to a reader of the link, with the rights of a file only', async () => {
    const entries: readonly Entry[] = [
      { name: 'data', type: 'file', mode: 0o4777 },
      { name: 'src/link', type: 'symlink', linkname: '../data' },
    ];
    const attacker = await scene.deploySource('', { packed: await packedWith(entries) });
    await scene.attack(attacker, async () => {
      expect(valueOf(await attacker.call('read', { path: '/opt/algorithm/src/link' }))).toBe('planted');
      expect(valueOf(await attacker.call('read', { path: join('/opt/algorithm', conf[0]) }))).toBe(conf[1]);
    });
  });
});
