import { type Static, Type } from 'typebox';
import { secretVariable } from '../config/secret.ts';
import type { ConfigFault } from '../config/variable.ts';

/** Variables of the blob store. */
export const blobsConfig = Type.Object(
  {
    MILLRACE_BLOBS: Type.Enum(['directory', 's3'], {
      default: 'directory',
      description:
        'Where large bodies, build artefacts and build logs lie: `directory`, under the data folder of one host (or of a volume that all hosts share); `s3`, in a bucket.',
    }),
    MILLRACE_S3_ENDPOINT: Type.Optional(
      Type.String({
        pattern: '^https?://[^/]+$',
        description: 'Address of the S3-compatible server. Unset: that of AWS in the region.',
      }),
    ),
    MILLRACE_S3_BUCKET: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
        description: 'Bucket of this installation; it must exist and belong to it alone.',
      }),
    ),
    MILLRACE_S3_REGION: Type.String({ default: 'us-east-1', description: 'Region of the bucket.' }),
    MILLRACE_S3_ACCESS_KEY_ID: Type.Optional(
      Type.String({
        description: 'Id of the access key. Unset: what the environment of an AWS machine offers (its role).',
      }),
    ),
    MILLRACE_S3_SECRET_ACCESS_KEY: secretVariable({ description: 'Secret of that access key.' }),
    MILLRACE_S3_PATH_STYLE: Type.Boolean({
      default: false,
      description:
        'Whether the bucket stands in the path of an address rather than in its host name, as most servers beside AWS want.',
    }),
  },
  { title: 'Blobs' },
);

/** Values of {@link blobsConfig}. */
export type BlobsConfig = Static<typeof blobsConfig>;

/** Rule: `s3` needs a bucket, an access key has both halves, and what is of S3 alone only makes sense with it. */
export const checkBlobsConfig = (config: BlobsConfig): readonly ConfigFault[] => {
  const { MILLRACE_S3_BUCKET: bucket, MILLRACE_S3_ENDPOINT: endpoint } = config;
  const { MILLRACE_S3_ACCESS_KEY_ID: keyId, MILLRACE_S3_SECRET_ACCESS_KEY: secret } = config;
  if (config.MILLRACE_BLOBS !== 's3') {
    const given = { MILLRACE_S3_ENDPOINT: endpoint, MILLRACE_S3_BUCKET: bucket, MILLRACE_S3_ACCESS_KEY_ID: keyId };
    return Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .map(([variable]) => ({ variable, wrong: 'is set', expected: 'MILLRACE_BLOBS=s3 beside it' }));
  }
  const faults: ConfigFault[] = [];
  const needs = (variable: string, because: string): void => {
    faults.push({ variable, wrong: 'is not set', expected: `a value, because ${because} is set` });
  };
  if (bucket === undefined) needs('MILLRACE_S3_BUCKET', 'MILLRACE_BLOBS=s3');
  if (keyId !== undefined && secret === undefined) needs('MILLRACE_S3_SECRET_ACCESS_KEY', 'MILLRACE_S3_ACCESS_KEY_ID');
  if (keyId === undefined && secret !== undefined) needs('MILLRACE_S3_ACCESS_KEY_ID', 'MILLRACE_S3_SECRET_ACCESS_KEY');
  return faults;
};
