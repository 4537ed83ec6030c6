import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The longest path that every Unix accepts for a socket, less the name in the folder. */
const folderBytesMax = 70;

/** Makes the folder for the sockets of one executor: below the data folder, or where its path is too long, in /tmp. */
export const makeSocketFolder = async (dataFolder: string, name: string): Promise<string> => {
  const wanted = join(dataFolder, 'sockets', name);
  const fits = Buffer.byteLength(wanted) <= folderBytesMax;
  const folder = fits ? wanted : await mkdtemp(join(tmpdir(), 'millrace-'));
  await mkdir(folder, { recursive: true });
  // The sandboxes' user passes through it and lists nothing.
  await chmod(folder, 0o711);
  return folder;
};
