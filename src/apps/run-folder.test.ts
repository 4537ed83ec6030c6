import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimRunFolder } from './run-folder.ts';

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'millrace-run-folder-'));
});

afterEach(() => {
  rmSync(parent, { recursive: true });
});

it('gives every process of a role a folder of its own', async () => {
  const first = await claimRunFolder(parent, 'executor');
  const second = await claimRunFolder(parent, 'executor');
  expect([first.folder, second.folder]).toEqual([join(parent, 'executor'), join(parent, 'executor-2')]);
  await Promise.all([first.close(), second.close()]);
});

it('gives a folder again when its process is gone', async () => {
  const first = await claimRunFolder(parent, 'executor');
  const second = await claimRunFolder(parent, 'executor');
  await first.close();
  const third = await claimRunFolder(parent, 'executor');
  expect(third.folder).toBe(join(parent, 'executor'));
  await Promise.all([second.close(), third.close()]);
});
