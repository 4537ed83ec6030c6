import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A folder that no other process uses. The claim ends with this process, however it ends. */
export interface RunFolder {
  readonly folder: string;
  close(): Promise<void>;
}

const numbersMax = 1_000;

/** An abstract socket: the kernel gives its name to one process at a time, and frees it when that process dies. */
const claim = async (folder: string): Promise<RunFolder | null> =>
  await new Promise<RunFolder | null>((resolve, reject) => {
    const server = createServer();
    const close = async (): Promise<void> => {
      await new Promise<void>((closed) => {
        server.close(() => closed());
      });
    };
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.unref();
    const name = createHash('sha256').update(folder).digest('hex');
    server.listen({ path: `\0millrace/${name}` }, () => resolve({ folder, close }));
  });

/**
 * Claims the first of `NAME`, `NAME-2`, `NAME-3`… in `parent` that no living process has: several processes of one role
 * may run on one data folder, and what a killed one left lies where its successor finds it.
 */
export const claimRunFolder = async (parent: string, name: string): Promise<RunFolder> => {
  for (let number = 1; number <= numbersMax; number += 1) {
    const claimed = await claim(join(parent, number === 1 ? name : `${name}-${number}`));
    if (claimed !== null) return claimed;
  }
  throw new Error(`${numbersMax} processes already use ${parent}/${name}`);
};
