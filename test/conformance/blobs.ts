import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../../src/kernel/errors.ts';
import type { Blobs } from '../../src/platform/blobs/blobs.ts';
import { dayOf, removeOldDays } from '../../src/platform/blobs/days.ts';

/** A store under test, empty, and how to be rid of it. */
export interface BlobsUnderTest {
  readonly blobs: Blobs;
  readonly close: () => Promise<void>;
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof PlatformError) return error.code;
    throw error;
  }
  return 'it did not fail';
};

/** What every driver of {@link Blobs} must do. */
export const blobsConformance = (driver: string, open: () => Promise<BlobsUnderTest>): void => {
  describe(`blobs: ${driver}`, () => {
    let under: BlobsUnderTest;
    let blobs: Blobs;

    beforeEach(async () => {
      under = await open();
      blobs = under.blobs;
    });
    afterEach(async () => await under.close());

    it('reads back what was put, and its size', async () => {
      const content = Buffer.from([0, 1, 255, 10]);
      expect(await blobs.put('a/b.c/d_e-f', content)).toEqual({ sizeBytes: 4 });
      expect((await blobs.read('a/b.c/d_e-f')).equals(content)).toBe(true);
      expect((await buffer(await blobs.stream('a/b.c/d_e-f'))).equals(content)).toBe(true);
    });

    it('holds an empty value', async () => {
      expect(await blobs.put('empty', Buffer.alloc(0))).toEqual({ sizeBytes: 0 });
      expect(await blobs.has('empty')).toBe(true);
      expect(await blobs.read('empty')).toHaveLength(0);
    });

    it('takes a stream of several megabytes and counts its bytes', async () => {
      const chunk = Buffer.alloc(64 * 1024, 'millrace');
      const { sizeBytes } = await blobs.put('large', Readable.from(Array.from({ length: 80 }, () => chunk)));
      expect(sizeBytes).toBe(80 * chunk.length);
      const read = await buffer(await blobs.stream('large'));
      expect(read.length).toBe(sizeBytes);
      expect(read.subarray(-chunk.length).equals(chunk)).toBe(true);
    });

    it('overwrites', async () => {
      await blobs.put('key', Buffer.from('first, longer'));
      await blobs.put('key', Buffer.from('second'));
      expect((await blobs.read('key')).toString()).toBe('second');
    });

    it('shows nothing of a stream that broke, and keeps the value that was there', async () => {
      await blobs.put('kept', Buffer.from('old'));
      const breaking = (): Readable =>
        Readable.from(
          (function* () {
            yield Buffer.from('half');
            throw new Error('the sender went away');
          })(),
        );
      await expect(blobs.put('kept', breaking())).rejects.toThrow('the sender went away');
      await expect(blobs.put('fresh', breaking())).rejects.toThrow('the sender went away');
      expect((await blobs.read('kept')).toString()).toBe('old');
      expect(await blobs.has('fresh')).toBe(false);
      expect(await blobs.list('')).toEqual(['kept']);
    });

    it('never shows a mixture of two values that were put at once', async () => {
      const values = Array.from({ length: 8 }, (_, index) => Buffer.alloc(200_000, 65 + index));
      await Promise.all(values.map(async (value) => await blobs.put('contended', value)));
      const read = await blobs.read('contended');
      expect(values.some((value) => value.equals(read))).toBe(true);
    });

    it('says BLOBS_NOT_FOUND for what is not there, also for a folder', async () => {
      await blobs.put('folder/inside', Buffer.from('x'));
      for (const key of ['absent', 'folder', 'folder/absent', 'folder/inside/below']) {
        expect(await codeOf(blobs.read(key))).toBe('BLOBS_NOT_FOUND');
        expect(await codeOf(blobs.stream(key))).toBe('BLOBS_NOT_FOUND');
        expect(await blobs.has(key)).toBe(false);
      }
    });

    it.each([
      '',
      '/',
      '/etc/passwd',
      '../outside',
      'a/../../b',
      'a//b',
      'a/',
      '.',
      'a/./b',
      'a b',
      'a\0b',
      'ä',
      '~incoming/x',
    ])('refuses the key %j everywhere', async (key) => {
      expect(await codeOf(blobs.put(key, Buffer.from('x')))).toBe('BLOBS_BAD_KEY');
      expect(await codeOf(blobs.read(key))).toBe('BLOBS_BAD_KEY');
      expect(await codeOf(blobs.stream(key))).toBe('BLOBS_BAD_KEY');
      expect(await codeOf(blobs.has(key))).toBe('BLOBS_BAD_KEY');
      expect(await codeOf(blobs.removeFolder(key))).toBe('BLOBS_BAD_KEY');
      if (key !== '') expect(await codeOf(blobs.list(key))).toBe('BLOBS_BAD_KEY');
    });

    it('refuses a key longer than 1,024 characters', async () => {
      expect(await codeOf(blobs.put(`a/${'b'.repeat(200)}`.repeat(6), Buffer.from('x')))).toBe('BLOBS_BAD_KEY');
    });

    it('lists names directly under a folder, sorted, once each', async () => {
      for (const key of ['b/2', 'b/1', 'b/deep/3', 'b/deep/4', 'bb/5', 'top']) await blobs.put(key, Buffer.from(key));
      expect(await blobs.list('b')).toEqual(['1', '2', 'deep']);
      expect(await blobs.list('')).toEqual(['b', 'bb', 'top']);
      expect(await blobs.list('absent')).toEqual([]);
    });

    it('removes a folder whole and no other whose name begins alike, twice without complaint', async () => {
      for (const key of ['day/1', 'day/in/2', 'day-after/3']) await blobs.put(key, Buffer.from(key));
      await blobs.removeFolder('day');
      await blobs.removeFolder('day');
      expect(await blobs.has('day/in/2')).toBe(false);
      expect(await blobs.list('day')).toEqual([]);
      expect(await blobs.has('day-after/3')).toBe(true);
      await blobs.put('day/1', Buffer.from('again'));
      expect(await blobs.has('day/1')).toBe(true);
    });

    it('removes days past their time and nothing else', async () => {
      const dayMs = 86_400_000;
      const nowMs = Date.UTC(2026, 10, 25, 12);
      const days = [0, 14, 15, 16, 40].map((ago) => dayOf(nowMs - ago * dayMs));
      for (const day of days) await blobs.put(`bodies/${day}/one`, Buffer.from(day));
      await blobs.put('bodies/pinned/one', Buffer.from('x'));
      expect(await removeOldDays({ blobs, prefix: 'bodies', nowMs, keptMs: 15 * dayMs })).toEqual([
        '2026-10-16',
        '2026-11-09',
      ]);
      expect(await blobs.list('bodies')).toEqual(['2026-11-10', '2026-11-11', '2026-11-25', 'pinned']);
    });
  });
};
