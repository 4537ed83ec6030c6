import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { Caller } from '../../accounts/accounts.ts';
import type { Algorithm } from '../../catalog/catalog.ts';
import type { GitRepositories } from '../../platform/git/git.ts';
import { unpackArchive } from '../../platform/git/unpack-archive.ts';
import type { AuditTrail } from '../audit-trail.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import type { HttpApp } from '../http/type-provider.ts';
import { algorithmParams } from './algorithms.ts';

export interface SourceRoutesDeps {
  readonly access: Access;
  readonly git: GitRepositories;
  readonly audit: AuditTrail;
}

/** Bytes of an archive as it travels; unpacked it has bounds of its own. */
const archiveBytesMax = 512 * 1024 * 1024;

async function* bounded(content: Readable): AsyncIterable<Buffer> {
  let sizeBytes = 0;
  // `as`: a readable without encoding yields buffers.
  for await (const chunk of content as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > archiveBytesMax) {
      throw ingressErrors.BODY_TOO_LARGE({
        message: `the archive is larger than ${archiveBytesMax / 1024 / 1024} MiB`,
      });
    }
    yield chunk;
  }
}

/** Replaces an algorithm's source by a folder: `PUT …/source` with a `.tar.gz`. */
export const sourceRoutes = (app: HttpApp, { access, git, audit }: SourceRoutesDeps): void => {
  const commit = async (caller: Caller, algorithm: Algorithm, archive: Readable): Promise<string> => {
    const repository = { owner: algorithm.owner, name: algorithm.name };
    const folder = await mkdtemp(join(tmpdir(), 'millrace-source-'));
    try {
      await unpackArchive(Readable.from(bounded(archive)), folder);
      await git.create(repository);
      const { account } = caller;
      return await git.commitFolder(repository, folder, {
        author: { name: account.label, email: account.email ?? `${account.name}@localhost` },
        message: `Source of ${algorithm.label}, sent by ${account.label}`,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };

  app.put(
    '/v1/algorithms/:owner/:algo/source',
    {
      bodyLimit: archiveBytesMax,
      schema: { params: algorithmParams, response: { 200: Type.Object({ commit: Type.String() }) } },
    },
    async (request) => {
      const caller = await access.caller(request);
      const algorithm = access.managed(caller, request.params, 'algorithm.source.put');
      const { body } = request;
      if (!(body instanceof Readable)) {
        throw ingressErrors.CONTENT_TYPE_UNSUPPORTED({
          message: 'the source travels as application/gzip: a .tar.gz of the folder',
        });
      }
      const hash = await commit(caller, algorithm, body);
      audit.done(caller, 'algorithm.source.put', `${algorithm.owner}/${algorithm.name}`, { commit: hash });
      return { commit: hash };
    },
  );
};
