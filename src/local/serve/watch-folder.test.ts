import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { type FolderWatch, watchFolder } from './watch-folder.ts';

let folder: string;
let watching: FolderWatch | null = null;
let told = 0;
let wake: () => void = () => {};

const start = async (): Promise<void> => {
  watching = await watchFolder({
    folder,
    isSource: (name) => name !== 'node_modules',
    clock: systemClock,
    onChange: async () => {
      told += 1;
      wake();
      await Promise.resolve();
    },
  });
};

const toldAfter = async (change: () => Promise<unknown>): Promise<number> => {
  const before = told;
  const next = new Promise<void>((resolve) => {
    wake = resolve;
  });
  await change();
  await next;
  return told - before;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-watch-'));
  await mkdir(join(folder, 'src'));
  await mkdir(join(folder, 'node_modules'));
  await writeFile(join(folder, 'src/a.py'), '1');
  told = 0;
});

afterEach(async () => {
  watching?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('watching a folder', () => {
  it('tells several writes as one change', async () => {
    await start();
    const changes = await toldAfter(async () => {
      for (const text of ['2', '3', '4']) await writeFile(join(folder, 'src/a.py'), text);
    });
    expect(changes).toBe(1);
  });

  it('goes on with a file that was replaced, and with folders that are new', async () => {
    await start();
    await toldAfter(async () => {
      await writeFile(join(folder, 'src/next'), '2');
      await rename(join(folder, 'src/next'), join(folder, 'src/a.py'));
    });
    expect(await toldAfter(async () => await writeFile(join(folder, 'src/a.py'), '3'))).toBe(1);
    expect(await toldAfter(async () => await mkdir(join(folder, 'src/new')))).toBe(1);
    expect(await toldAfter(async () => await writeFile(join(folder, 'src/new/b.py'), '1'))).toBe(1);
  });

  it('does not look at what tools make', async () => {
    await start();
    await writeFile(join(folder, 'node_modules/x.js'), '1');
    expect(await toldAfter(async () => await writeFile(join(folder, 'src/a.py'), '2'))).toBe(1);
  });
});
