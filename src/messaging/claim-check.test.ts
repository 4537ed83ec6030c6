import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../kernel/clock.ts';
import { limits } from '../kernel/limits.ts';
import { createDirectoryBlobs } from '../platform/blobs/directory-blobs.ts';
import { systemRandom } from '../platform/random.ts';
import { createClaimCheck } from './claim-check.ts';

const dayMs = 86_400_000;

describe('claim check', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-claims-'));
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  const open = () => {
    const time = { nowMs: Date.UTC(2026, 10, 25, 23, 59) };
    const clock: Clock = { nowMs: () => time.nowMs, monotonicMs: () => time.nowMs, after: () => () => {} };
    const blobs = createDirectoryBlobs({ folder });
    return { time, blobs, claims: createClaimCheck({ blobs, clock, random: systemRandom }) };
  };

  it('leaves a body up to the limit in the message', async () => {
    const { claims, blobs } = open();
    const body = Buffer.alloc(limits.inlineBodyBytes, 1);
    const checked = await claims.put(body);
    expect(checked).toEqual({ body, bodyRef: null });
    expect(await claims.get(checked)).toBe(body);
    expect(await blobs.list('')).toEqual([]);
  });

  it('stores a larger body under the day and gives it back', async () => {
    const { claims } = open();
    const body = Buffer.alloc(limits.inlineBodyBytes + 1, 2);
    const checked = await claims.put(body);
    expect(checked.body).toBeNull();
    expect(checked.bodyRef).toMatch(/^bodies\/2026-11-25\/[0-9a-f-]{36}$/);
    expect((await claims.get(checked))?.equals(body)).toBe(true);
  });

  it('gives null for a message without body', async () => {
    expect(await open().claims.get({ body: null, bodyRef: null })).toBeNull();
  });

  it('says so when the day of a body was removed', async () => {
    const { claims, time } = open();
    const checked = await claims.put(Buffer.alloc(limits.inlineBodyBytes + 1));
    time.nowMs += 15 * dayMs;
    expect(await claims.removeOld()).toEqual([]);
    time.nowMs += dayMs;
    expect(await claims.removeOld()).toEqual(['2026-11-25']);
    await expect(claims.get(checked)).rejects.toMatchObject({ code: 'BLOBS_NOT_FOUND' });
  });
});
