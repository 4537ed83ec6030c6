import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInterpreters } from './interpreters.ts';

let folder: string;
const program = '#!/bin/sh\necho "speaks $0"\n';

const install = (name: string, programs: readonly string[]): void => {
  for (const each of programs) {
    const file = join(folder, 'versions', name, 'bin', each);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, program, { mode: 0o755 });
  }
};

const interpreters = () =>
  createInterpreters({
    folders: [join(folder, 'missing'), join(folder, 'versions')],
    linksFolder: join(folder, 'links'),
    separateUser: true,
  });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'interpreters-'));
  chmodSync(folder, 0o755);
  install('1.9.0', ['speak1', 'speak']);
  install('1.10.2', ['speak1', 'speak']);
  install('2.0.0', ['speak2', 'speak']);
  install('3.0.0', ['speak3']);
  symlinkSync('1.9.0', join(folder, 'versions', '1.9'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('the newest installation that has the program is taken', () => {
  const found = interpreters().find({ program: 'speak1', command: 'speak' });
  expect(found?.path).toBe(join(folder, 'versions/1.10.2/bin/speak'));
  expect(found?.binFolder).toBe(join(folder, 'versions/1.10.2/bin'));
});

test('an installation without the plain name, or none at all, is no interpreter', () => {
  expect(interpreters().find({ program: 'speak3', command: 'speak' })).toBeNull();
  expect(interpreters().find({ program: 'speak4', command: 'speak' })).toBeNull();
});

test("the system's interpreter needs no mount, and only stands for the version that its plain name means", () => {
  const found = interpreters().find({ program: 'sh', command: 'sh' });
  expect(found).toMatchObject({ path: '/usr/bin/sh', binFolder: null, mounts: [] });
  expect(interpreters().find({ program: 'sh', command: 'env' })).toBeNull();
});

test('an installation that all may reach is mounted as it lies there', async () => {
  const found = interpreters().find({ program: 'speak2', command: 'speak' });
  await found?.prepare();
  const place = join(folder, 'versions/2.0.0');
  expect(found?.mounts).toEqual([{ source: place, target: place, writable: false }]);
});

test('one in a closed folder is linked to an open place, once, and its files stay what they are', async () => {
  const closed = join(folder, 'closed');
  cpSync(join(folder, 'versions'), join(closed, 'versions'), { recursive: true });
  chmodSync(closed, 0o700);
  const made = createInterpreters({
    folders: [join(closed, 'versions')],
    linksFolder: join(folder, 'links'),
    separateUser: true,
  });
  const found = made.find({ program: 'speak2', command: 'speak' });
  await Promise.all([found?.prepare(), found?.prepare()]);
  const source = found?.mounts[0]?.source ?? '';
  expect(found?.mounts[0]?.target).toBe(join(closed, 'versions/2.0.0'));
  expect(source.startsWith(join(folder, 'links'))).toBe(true);
  expect(execFileSync(join(source, 'bin/speak'), { encoding: 'utf8' })).toContain('speaks');
  expect(statSync(closed).mode & 0o777).toBe(0o700);
  await made.find({ program: 'speak2', command: 'speak' })?.prepare();
  expect(existsSync(source)).toBe(true);
});
