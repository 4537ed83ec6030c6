import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

/** Larger streams go up in parts of this size; the smallest that S3 allows is 5 MiB. */
const partBytes = 8 * 1024 * 1024;
const partsAtOnce = 2;

/** Errors of the sender of a stream, which are not the store's. */
export class SenderBroke extends Error {}

/**
 * Uploads a stream and gives its size. The object appears when its last part is there; the parts of an upload that fails
 * are removed. Throws {@link SenderBroke} when the stream does.
 */
export const uploadStream = async (
  client: S3Client,
  target: { Bucket: string; Key: string },
  content: Readable,
): Promise<number> => {
  let sizeBytes = 0;
  let broke: SenderBroke | undefined;
  const counted = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of content as AsyncIterable<Buffer | string>) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        sizeBytes += bytes.length;
        yield bytes;
      }
    } catch (cause) {
      broke = new SenderBroke('the sender broke off', { cause });
      throw broke;
    }
  };
  const params = { ...target, Body: Readable.from(counted(), { objectMode: false }) };
  try {
    await new Upload({ client, params, partSize: partBytes, queueSize: partsAtOnce }).done();
    return sizeBytes;
  } catch (error) {
    throw broke ?? error;
  }
};
