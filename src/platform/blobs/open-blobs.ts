import type { Blobs } from './blobs.ts';
import type { BlobsConfig } from './config.ts';
import { createDirectoryBlobs } from './directory-blobs.ts';
import { createS3Blobs } from './s3-blobs.ts';

/** The blob store of the configuration, and how to let go of it. */
export interface OpenedBlobs {
  readonly blobs: Blobs;
  readonly close: () => void;
}

/**
 * Opens the store that the configuration names; `folder` is where a directory keeps its values. Throws
 * `BLOBS_UNAVAILABLE` when a bucket cannot be reached: better now than at the first call with a large body.
 */
export const openBlobs = async (config: BlobsConfig, folder: string): Promise<OpenedBlobs> => {
  if (config.MILLRACE_BLOBS === 'directory') return { blobs: createDirectoryBlobs({ folder }), close: () => {} };
  const { MILLRACE_S3_ENDPOINT: endpoint, MILLRACE_S3_ACCESS_KEY_ID: accessKeyId } = config;
  const secretAccessKey = config.MILLRACE_S3_SECRET_ACCESS_KEY?.reveal();
  const blobs = createS3Blobs({
    bucket: config.MILLRACE_S3_BUCKET ?? '',
    region: config.MILLRACE_S3_REGION,
    pathStyle: config.MILLRACE_S3_PATH_STYLE,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  });
  await blobs.check();
  return { blobs, close: blobs.close };
};
