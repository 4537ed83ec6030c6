import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureSecretFile } from './secret-file.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'millrace-secrets-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('makes the file once, readable by its owner only, and reads it from then on', async () => {
  const file = path.join(folder, 'deep', 'key');
  expect(await ensureSecretFile(file, () => 'first')).toBe('first');
  expect(await ensureSecretFile(file, () => 'second')).toBe('first');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('gives every concurrent caller the same secret and leaves nothing beside it', async () => {
  const file = path.join(folder, 'key');
  const texts = await Promise.all(Array.from({ length: 20 }, (_, n) => ensureSecretFile(file, () => `secret-${n}`)));
  expect(new Set(texts).size).toBe(1);
  expect(await readdir(folder)).toEqual(['key']);
});

test('tightens a file that others could read', async () => {
  const file = path.join(folder, 'key');
  await writeFile(file, 'given\n');
  await chmod(file, 0o644);
  expect(await ensureSecretFile(file, () => 'other')).toBe('given');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
