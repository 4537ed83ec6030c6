import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findGpus } from './gpus.ts';

describe('graphics processors', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gpus-'));
    for (const name of ['nvidia0', 'nvidia1', 'nvidiactl', 'nvidia-uvm', 'nvidia-caps', 'null']) {
      writeFileSync(join(folder, name), '');
    }
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('come with the devices that all of them need', () => {
    const share = findGpus(folder).take(1);
    expect(share.devices).toEqual(['nvidia0', 'nvidia-uvm', 'nvidiactl'].map((name) => join(folder, name)));
  });

  it('are in one sandbox at most, until it gives them back', () => {
    const gpus = findGpus(folder);
    const first = gpus.take(1);
    const second = gpus.take(1);
    expect(second.devices).toContain(join(folder, 'nvidia1'));
    expect(() => gpus.take(1)).toThrow(/needs 1 graphics processors; of the 2 of this machine 0 are free/);
    first.giveBack();
    first.giveBack();
    expect(gpus.take(1).devices).toContain(join(folder, 'nvidia0'));
    expect(() => gpus.take(1)).toThrow(/0 are free/);
  });

  it('are no matter where none is asked for', () => {
    expect(findGpus(folder).take(0).devices).toEqual([]);
  });
});
