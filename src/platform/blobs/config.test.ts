import { describe, expect, it } from 'vitest';
import { readConfig } from '../config/read-config.ts';
import { blobsConfig, checkBlobsConfig } from './config.ts';

const read = (environment: Record<string, string>) =>
  readConfig({ schemas: [blobsConfig], rules: [checkBlobsConfig], environment });

const s3 = {
  MILLRACE_BLOBS: 's3',
  MILLRACE_S3_BUCKET: 'bodies',
  MILLRACE_S3_ACCESS_KEY_ID: 'id',
  MILLRACE_S3_SECRET_ACCESS_KEY: 'the secret',
};

describe('configuration of the blob store', () => {
  it('takes the directory by default and S3 with bucket and key, whose secret never prints', () => {
    expect(read({}).MILLRACE_BLOBS).toBe('directory');
    const config = read(s3);
    expect(config.MILLRACE_S3_SECRET_ACCESS_KEY?.reveal()).toBe('the secret');
    expect(JSON.stringify(config)).not.toContain('the secret');
  });

  it.each([
    ['a bucket', { MILLRACE_BLOBS: 's3' }, 'MILLRACE_S3_BUCKET is not set'],
    ['a whole key', { ...s3, MILLRACE_S3_SECRET_ACCESS_KEY: '' }, 'MILLRACE_S3_SECRET_ACCESS_KEY is not set'],
    ['the id of the key', { ...s3, MILLRACE_S3_ACCESS_KEY_ID: '' }, 'MILLRACE_S3_ACCESS_KEY_ID is not set'],
    ['an address without a path', { ...s3, MILLRACE_S3_ENDPOINT: 'http://store/bucket' }, 'MILLRACE_S3_ENDPOINT is'],
    ['S3 beside what is only of S3', { MILLRACE_S3_BUCKET: 'bodies' }, 'MILLRACE_BLOBS=s3 beside it'],
  ])('asks for %s', (_what, environment, complaint) => {
    expect(() => read(environment)).toThrow(complaint);
  });
});
