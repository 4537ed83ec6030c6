import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { type FolderEntry, walkFolder } from '../platform/git/folder-walk.ts';

const addEntry = async (hash: Hash, folder: string, entry: FolderEntry): Promise<void> => {
  if (entry.kind === 'folder') return;
  const form = entry.kind === 'link' ? `link ${entry.target}` : `file ${entry.executable} ${entry.sizeBytes}`;
  hash.update(`${JSON.stringify(entry.path)} ${form}\n`);
  if (entry.kind === 'link') return;
  for await (const chunk of createReadStream(join(folder, entry.path)) as AsyncIterable<Buffer>) hash.update(chunk);
};

/** SHA-256 over everything that a commit of the folder would hold. Throws as `walkFolder`. */
export const sourceDigest = async (folder: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const entry of walkFolder(folder)) await addEntry(hash, folder, entry);
  return hash.digest('hex');
};
