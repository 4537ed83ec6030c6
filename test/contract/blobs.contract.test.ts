import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDirectoryBlobs } from '../../src/platform/blobs/directory-blobs.ts';
import { blobsConformance } from '../conformance/blobs.ts';

blobsConformance('directory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  return {
    blobs: createDirectoryBlobs({ folder }),
    close: async () => await rm(folder, { recursive: true, force: true }),
  };
});
