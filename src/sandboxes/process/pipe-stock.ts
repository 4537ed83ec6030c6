import { randomUUID } from 'node:crypto';
import { chown, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { sandboxErrors } from '../errors.ts';
import { execute } from './execute.ts';
import { findProgram } from './find-program.ts';

/** Named pipes made ahead, many by one process: Node cannot make one, and a process per sandbox would cost 2 ms each. */
export interface PipeStock {
  /** Moves a fresh pipe to `path`, which must be on the stock's file system. May be called concurrently. */
  take(path: string): Promise<void>;
}

const batch = 16;

/** `owner`: uid and gid that may write into the pipes besides us; null: only we. */
export const createPipeStock = (folder: string, owner: number | null): PipeStock => {
  const ready: string[] = [];
  let making: Promise<void> | null = null;
  const make = async (): Promise<void> => {
    await mkdir(folder, { recursive: true });
    const paths = Array.from({ length: batch }, () => join(folder, randomUUID()));
    const made = await execute([findProgram('mkfifo') ?? 'mkfifo', '-m', '600', ...paths]);
    if (made.code !== 0) {
      throw sandboxErrors.START_FAILED({
        message: `A named pipe could not be made in ${folder}: ${made.output}. Sandboxes answer through one.`,
      });
    }
    if (owner !== null)
      await Promise.all(
        paths.map(async (path) => {
          await chown(path, owner, owner);
        }),
      );
    ready.push(...paths);
  };
  const refill = async (): Promise<void> => {
    making ??= make().finally(() => {
      making = null;
    });
    await making;
  };
  return {
    take: async (path) => {
      let pipe = ready.pop();
      while (pipe === undefined) {
        await refill();
        pipe = ready.pop();
      }
      await rename(pipe, path);
    },
  };
};
