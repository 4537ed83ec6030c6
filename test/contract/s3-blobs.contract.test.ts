import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createS3Blobs, type S3Blobs } from '../../src/platform/blobs/s3-blobs.ts';
import { blobsConformance } from '../conformance/blobs.ts';
import { prepareS3Server, type S3Server, startS3Server } from '../helpers/s3-server.ts';

const megabyte = 1024 * 1024;
let server: S3Server;
let buckets = 0;

const open = async (): Promise<{ blobs: S3Blobs; close: () => Promise<void> }> => {
  const bucket = `test-${(buckets += 1)}`;
  await server.makeBucket(bucket);
  const { endpoint, credentials } = server;
  const blobs = createS3Blobs({ endpoint, credentials, bucket, region: 'us-east-1', pathStyle: true });
  return {
    blobs,
    close: async () => {
      blobs.close();
      await Promise.resolve();
    },
  };
};

beforeAll(async () => {
  await prepareS3Server();
  server = await startS3Server();
}, 180_000);
afterAll(async () => await server.stop());

blobsConformance('s3', open);

describe('blobs: s3, large and broken', () => {
  it('uploads a stream of many parts and gives back the same bytes', async () => {
    const { blobs, close } = await open();
    const chunks = Array.from({ length: 45 }, () => randomBytes(megabyte / 2));
    const { sizeBytes } = await blobs.put('large', Readable.from(chunks));
    expect(sizeBytes).toBe(45 * (megabyte / 2));
    expect((await buffer(await blobs.stream('large'))).equals(Buffer.concat(chunks))).toBe(true);
    await close();
  });

  it('keeps the old value when the sender dies after several parts went up', async () => {
    const { blobs, close } = await open();
    await blobs.put('kept', Buffer.from('old'));
    const dying = async function* (): AsyncGenerator<Buffer> {
      for (let part = 0; part < 20; part += 1) yield await Promise.resolve(Buffer.alloc(megabyte, part));
      throw new Error('the sender went away');
    };
    await expect(blobs.put('kept', Readable.from(dying()))).rejects.toThrow('the sender went away');
    expect((await blobs.read('kept')).toString()).toBe('old');
    expect(await blobs.list('')).toEqual(['kept']);
    await close();
  });

  it('removes and lists more objects than one page holds', async () => {
    const { blobs, close } = await open();
    const keys = Array.from({ length: 1_030 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
    for (let from = 0; from < keys.length; from += 40) {
      await Promise.all(keys.slice(from, from + 40).map(async (key) => await blobs.put(key, Buffer.from('x'))));
    }
    expect(await blobs.list('many')).toHaveLength(keys.length);
    await blobs.removeFolder('many');
    expect(await blobs.list('many')).toEqual([]);
    await close();
  });

  it('says BLOBS_UNAVAILABLE, without the secret, for a wrong key, an absent bucket and a server that is away', async () => {
    const { endpoint, credentials } = server;
    const wrong = [
      { endpoint, credentials: { ...credentials, secretAccessKey: 'a guess' }, bucket: 'test-1' },
      { endpoint, credentials, bucket: 'absent-bucket' },
      { endpoint: 'http://127.0.0.1:1', credentials, bucket: 'test-1' },
    ];
    for (const options of wrong) {
      const blobs = createS3Blobs({ ...options, region: 'us-east-1', pathStyle: true });
      const failure = await blobs.check().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'BLOBS_UNAVAILABLE' });
      expect(String(failure)).not.toContain(options.credentials.secretAccessKey);
      blobs.close();
    }
  });
});
