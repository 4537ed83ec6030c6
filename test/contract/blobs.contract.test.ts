import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobsConformance } from '../../src/platform/blobs/conformance.ts';
import { createDirectoryBlobs } from '../../src/platform/blobs/directory-blobs.ts';

blobsConformance('directory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-blobs-'));
  return {
    blobs: createDirectoryBlobs({ folder }),
    close: async () => await rm(folder, { recursive: true, force: true }),
  };
});
