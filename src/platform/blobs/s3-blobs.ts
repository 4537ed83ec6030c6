import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { blobNotFound, checkKey } from './blob-key.ts';
import type { Blobs } from './blobs.ts';
import { blobErrors } from './errors.ts';
import { createS3Folders } from './s3-folders.ts';
import { SenderBroke, uploadStream } from './s3-upload.ts';

export interface S3BlobsOptions {
  /** Unset: AWS. */
  readonly endpoint?: string;
  readonly bucket: string;
  readonly region: string;
  /** Unset: what the machine offers. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Whether the bucket stands in the path instead of the host name. */
  readonly pathStyle: boolean;
}

/** Blobs of a bucket, and the connections to let go of. */
export interface S3Blobs extends Blobs {
  /** Throws `BLOBS_UNAVAILABLE`, with the reason, unless the bucket can be reached with these credentials. */
  check(): Promise<void>;
  readonly close: () => void;
}

const createClient = (options: S3BlobsOptions): S3Client =>
  new S3Client({
    region: options.region,
    forcePathStyle: options.pathStyle,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    maxAttempts: 4,
    // Servers beside AWS know the checksums that S3 requires, and not all those that it offers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 30_000, socketTimeout: 30_000 },
  });

const isAbsence = (error: unknown): boolean =>
  error instanceof S3ServiceException && ['NoSuchKey', 'NotFound'].includes(error.name);

/** What becomes of the store's errors. */
const createReach = ({ bucket, endpoint, region }: S3BlobsOptions) => {
  const unavailable = (cause: unknown) => {
    const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
    const where = `bucket ${bucket} at ${endpoint ?? `AWS ${region}`}`;
    return blobErrors.UNAVAILABLE({ message: `${where} does not answer as it should: ${name} ${message}`, cause });
  };
  const reached = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof SenderBroke) throw error.cause;
      throw unavailable(error);
    }
  };
  const whenPresent = async <Value>(work: Promise<Value>, absent: (error: unknown) => Value): Promise<Value> => {
    try {
      return await work;
    } catch (error) {
      if (isAbsence(error)) return absent(error);
      throw unavailable(error);
    }
  };
  return { unavailable, reached, whenPresent };
};

/**
 * Blobs as objects of one bucket. S3 shows an object when it is whole: a process that dies on the way leaves the old
 * value or none, and parts that the bucket's rule for unfinished uploads removes. Calls may overlap; each attempt is
 * bounded in time and repeated a few times before it fails with `BLOBS_UNAVAILABLE`.
 */
export const createS3Blobs = (options: S3BlobsOptions): S3Blobs => {
  const { bucket } = options;
  const client = createClient(options);
  const folders = createS3Folders(client, bucket);

  const { unavailable, reached, whenPresent } = createReach(options);
  const open = async (key: string) => {
    checkKey(key);
    const { Body: body } = await whenPresent(
      client.send(new GetObjectCommand({ Bucket: bucket, Key: key })),
      (error) => {
        throw blobNotFound(key, error);
      },
    );
    if (body === undefined) throw unavailable(new Error(`no body of ${key}`));
    return body;
  };

  return {
    put: async (key, content) => {
      checkKey(key);
      const target = { Bucket: bucket, Key: key };
      if (!Buffer.isBuffer(content)) return { sizeBytes: await reached(uploadStream(client, target, content)) };
      await reached(client.send(new PutObjectCommand({ ...target, Body: content })));
      return { sizeBytes: content.length };
    },
    read: async (key) => {
      const body = await open(key);
      return Buffer.from(await reached(body.transformToByteArray()));
    },
    stream: async (key) => {
      const body = await open(key);
      if (body instanceof Readable) return body;
      throw unavailable(new Error(`the body of ${key} is not a stream of Node`));
    },
    has: async (key) => {
      checkKey(key);
      const found = client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).then(() => true);
      return await whenPresent(found, () => false);
    },
    removeFolder: async (prefix) => {
      checkKey(prefix);
      await reached(folders.remove(`${prefix}/`));
    },
    list: async (prefix) => {
      if (prefix !== '') checkKey(prefix);
      return await reached(folders.list(prefix === '' ? '' : `${prefix}/`));
    },
    check: async () => {
      await reached(client.send(new HeadBucketCommand({ Bucket: bucket })));
    },
    close: () => {
      client.destroy();
    },
  };
};
