import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { limits } from '../../kernel/limits.ts';
import { type ExtractLimits, extractTar } from './extract-tar.ts';

/** What sources may hold unless a caller says otherwise. */
const sourceLimits: ExtractLimits = { entriesMax: limits.sourceEntries, bytesMax: limits.sourceBytes };

/**
 * Unpacks a `.tar.gz` that somebody sent into the folder, which is made or must be empty. Throws `SOURCE_…` errors with
 * what is wrong (see {@link extractTar}); an error of `content` itself is passed on. The caller removes the folder then.
 */
export const unpackArchive = async (
  content: Readable,
  folder: string,
  bounds: ExtractLimits = sourceLimits,
): Promise<void> => await extractTar(content, folder, { stages: [createGunzip()], limits: bounds });
