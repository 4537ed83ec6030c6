import { createReadStream, createWriteStream } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkStaysInside } from './inside-path.ts';
import { packFolder, unpackLayer } from './layer-archive.ts';
import { unpackArchive } from './unpack-archive.ts';

type Item = Partial<Header> & { readonly name: string; readonly content?: string };

const archiveOf = async (items: readonly Item[]): Promise<Buffer> => {
  const archive = pack();
  for (const { content, ...header } of items) {
    if (content === undefined) archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  return gzipSync(await buffer(archive));
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-archives-'));
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

const unpackItems = async (
  items: readonly Item[],
  bounds?: { entriesMax: number; bytesMax: number },
): Promise<string> => {
  const folder = join(root, 'out');
  await unpackArchive(Readable.from([await archiveOf(items)]), folder, bounds);
  return folder;
};

describe('links inside a folder', () => {
  it.each([
    ['a', 'b'],
    ['a/b/c', '../../d'],
    ['bin/tool', '../pkg/tool.js'],
    ['a', './b/./c'],
    ['a/b', '..'],
  ])('takes %s -> %s', (path, target) => {
    expect(linkStaysInside(path, target)).toBe(true);
  });

  it.each([
    ['a', '..'],
    ['a', '/etc/passwd'],
    ['a/b', '../../c'],
    ['a', 'b/../../c'],
    ['a', 'b/../c'],
    ['a', ''],
  ])('refuses %s -> %j', (path, target) => {
    expect(linkStaysInside(path, target)).toBe(false);
  });
});

describe('unpacking an archive that was sent', () => {
  it('writes files, folders, links and modes', async () => {
    const folder = await unpackItems([
      { name: './', type: 'directory' },
      { name: './src/', type: 'directory' },
      { name: './src/main.py', content: 'print()', mode: 0o644 },
      { name: 'run.sh', content: '#!/bin/sh', mode: 0o4777 },
      { name: 'latest', type: 'symlink', linkname: 'src/main.py' },
      { name: 'copy.py', type: 'link', linkname: 'src/main.py' },
      { name: 'empty', type: 'directory' },
      { name: `${'deep/'.repeat(40)}file`, content: 'far' },
    ]);
    expect(await readFile(join(folder, 'src/main.py'), 'utf8')).toBe('print()');
    expect((await lstat(join(folder, 'src/main.py'))).mode & 0o7777).toBe(0o644);
    expect((await lstat(join(folder, 'run.sh'))).mode & 0o7777).toBe(0o755);
    expect(await readlink(join(folder, 'latest'))).toBe('src/main.py');
    expect((await lstat(join(folder, 'copy.py'))).nlink).toBe(1);
    expect(await readFile(join(folder, 'copy.py'), 'utf8')).toBe('print()');
    expect(await readdir(join(folder, 'empty'))).toEqual([]);
    expect(await readFile(join(folder, `${'deep/'.repeat(40)}file`), 'utf8')).toBe('far');
  });

  it.each<readonly [string, readonly Item[], string]>([
    ['a path that climbs out', [{ name: '../evil', content: 'x' }], 'SOURCE_BAD_PATH'],
    ['a path that climbs out later', [{ name: 'a/../../evil', content: 'x' }], 'SOURCE_BAD_PATH'],
    ['an absolute path', [{ name: '/tmp/evil', content: 'x' }], 'SOURCE_BAD_PATH'],
    ['a path with a line break', [{ name: 'a\nb', content: 'x' }], 'SOURCE_BAD_PATH'],
    ['a link out of the folder', [{ name: 'l', type: 'symlink', linkname: '/etc' }], 'SOURCE_LINK_OUTSIDE'],
    [
      'a file below a link',
      [
        { name: 'l', type: 'symlink', linkname: 'd' },
        { name: 'l/f', content: 'x' },
      ],
      'SOURCE_BAD_PATH',
    ],
    [
      'a link below a link',
      [
        { name: 'd', type: 'directory' },
        { name: 'l', type: 'symlink', linkname: 'd' },
        { name: 'l/m', type: 'symlink', linkname: 'x' },
      ],
      'SOURCE_BAD_PATH',
    ],
    [
      'a file that is a folder too',
      [
        { name: 'a', content: 'x' },
        { name: 'a/b', content: 'x' },
      ],
      'SOURCE_BAD_PATH',
    ],
    ['a hard link to what is not in it', [{ name: 'l', type: 'link', linkname: 'etc/passwd' }], 'SOURCE_BAD_PATH'],
    ['a hard link out of the folder', [{ name: 'l', type: 'link', linkname: '../../etc/passwd' }], 'SOURCE_BAD_PATH'],
    ['a device', [{ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }], 'SOURCE_BAD_ENTRY'],
    ['a pipe', [{ name: 'pipe', type: 'fifo' }], 'SOURCE_BAD_ENTRY'],
  ])('refuses %s and touches nothing outside', async (_what, items, code) => {
    await expect(unpackItems(items)).rejects.toMatchObject({ code });
    expect(await readdir(root)).toEqual(['out']);
  });

  it('refuses too many entries and too many bytes, counting what hard links repeat', async () => {
    const items: Item[] = [
      { name: 'a', content: 'x'.repeat(600) },
      { name: 'b', content: 'y'.repeat(600) },
    ];
    const twice: Item[] = [
      { name: 'a', content: 'x'.repeat(600) },
      { name: 'b', type: 'link', linkname: 'a' },
    ];
    await expect(unpackItems(items, { entriesMax: 1, bytesMax: 5000 })).rejects.toMatchObject({
      code: 'SOURCE_TOO_MANY_FILES',
    });
    await rm(join(root, 'out'), { recursive: true });
    await expect(unpackItems(items, { entriesMax: 9, bytesMax: 1000 })).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
    });
    await rm(join(root, 'out'), { recursive: true });
    await expect(unpackItems(twice, { entriesMax: 9, bytesMax: 1000 })).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
    });
  });

  it('refuses what is no archive, and one that was cut anywhere', async () => {
    const whole = await archiveOf([
      { name: 'a', content: 'x'.repeat(5000) },
      { name: 'b', content: 'y' },
    ]);
    const pieces = [
      Buffer.from('hello'),
      gzipSync(Buffer.alloc(700, 7)),
      whole.subarray(0, whole.length - 20),
      whole.subarray(0, 30),
      Buffer.alloc(0),
    ];
    for (const [index, piece] of pieces.entries()) {
      await expect(unpackArchive(Readable.from([piece]), join(root, String(index)))).rejects.toMatchObject({
        code: 'SOURCE_BAD_ARCHIVE',
      });
    }
  });

  it('passes on a failure of the sender, and ends although the sender does not', async () => {
    const gone = new Error('the connection was reset');
    const broken = new PassThrough();
    const unpacking = unpackArchive(broken, join(root, 'broken'));
    broken.write(await archiveOf([{ name: 'a', content: 'x' }]).then((whole) => whole.subarray(0, 40)));
    broken.destroy(gone);
    await expect(unpacking).rejects.toBe(gone);
    const slow = new PassThrough();
    slow.write('certainly no gzip');
    await expect(unpackArchive(slow, join(root, 'slow'))).rejects.toMatchObject({ code: 'SOURCE_BAD_ARCHIVE' });
  });
});

describe('layers', () => {
  const fill = async (folder: string): Promise<void> => {
    await mkdir(join(folder, 'pkg/empty'), { recursive: true });
    await writeFile(join(folder, 'pkg/b.js'), 'b'.repeat(3_000_000));
    await writeFile(join(folder, 'pkg/a.js'), '');
    await writeFile(join(folder, 'tool'), '#!/bin/sh\n');
    await chmod(join(folder, 'tool'), 0o700);
    await symlink('pkg/a.js', join(folder, 'link'));
  };

  it('come back as they were', async () => {
    const folder = join(root, 'in');
    await fill(folder);
    const packed = await packFolder(folder, join(root, 'layer'));
    expect(packed.sizeBytes).toBe((await lstat(join(root, 'layer'))).size);
    await unpackLayer(createReadStream(join(root, 'layer')), join(root, 'out'), packed.digest);
    expect((await readdir(join(root, 'out'), { recursive: true })).sort()).toEqual([
      'link',
      'pkg',
      'pkg/a.js',
      'pkg/b.js',
      'pkg/empty',
      'tool',
    ]);
    expect(await readFile(join(root, 'out/pkg/b.js'), 'utf8')).toBe('b'.repeat(3_000_000));
    expect((await lstat(join(root, 'out/tool'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(root, 'out/link'))).toBe('pkg/a.js');
  });

  it('have the same digest whenever and in whatever order their files were written', async () => {
    const [first, second] = [join(root, 'first'), join(root, 'second')];
    await fill(first);
    await mkdir(second);
    await writeFile(join(second, 'zz'), '');
    await fill(second);
    await rm(join(second, 'zz'));
    await utimes(join(second, 'tool'), 1, 1);
    const digests = [await packFolder(first, join(root, '1')), await packFolder(second, join(root, '2'))];
    expect(digests[0]).toEqual(digests[1]);
  });

  it('are refused when their bytes are others than the digest says', async () => {
    const folder = join(root, 'in');
    await fill(folder);
    const { digest } = await packFolder(folder, join(root, 'layer'));
    const repacked = createGzip({ level: 9 });
    await pipeline(
      createReadStream(join(root, 'layer')),
      createGunzip(),
      repacked,
      createWriteStream(join(root, 'other')),
    );
    const unpacking = unpackLayer(createReadStream(join(root, 'other')), join(root, 'out'), digest);
    await expect(unpacking).rejects.toMatchObject({ code: 'SOURCE_BAD_ARCHIVE' });
  });

  it('do not take links that lead out, nor sockets and pipes', async () => {
    const folder = join(root, 'in');
    await fill(folder);
    await symlink('/usr/bin/python3', join(folder, 'python'));
    await expect(packFolder(folder, join(root, 'layer'))).rejects.toMatchObject({ code: 'SOURCE_LINK_OUTSIDE' });
  });
});
