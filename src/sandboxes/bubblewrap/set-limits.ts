import { readFile } from 'node:fs/promises';
import { sandboxErrors } from '../errors.ts';
import { execute } from '../process/execute.ts';
import { findProgram } from '../process/find-program.ts';
import type { SandboxLimits } from '../sandbox.ts';
import { commandPrefix, type Identity } from './identity.ts';

/** Folders that halve the space of a sandbox between them. */
const writableFolders = ['/tmp', '/home/algo'];

const childrenOf = async (pid: number): Promise<readonly string[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean);

const mustRun = async (command: readonly string[]): Promise<void> => {
  const { code, output } = await execute(command);
  if (code !== 0) throw sandboxErrors.START_FAILED({ message: `${command.join(' ')} failed: ${output}` });
};

/** `mount` enters the namespace by itself: nothing that a sandbox sees is run with our rights. */
const resize = async (firstPid: number, diskBytes: number): Promise<void> => {
  const options = `remount,nosuid,nodev,size=${Math.floor(diskBytes / 2)}`;
  const words = ['-i', '-n', '--namespace', `/proc/${firstPid}/ns/mnt`, '-t', 'tmpfs', '-o', options, 'tmpfs'];
  const mount = findProgram('mount') ?? 'mount';
  await Promise.all(writableFolders.map(async (folder) => await mustRun([mount, ...words, folder])));
};

/** As the user of the sandbox, who may lower it: for another user's process even root needs a right that containers lack. */
const limitFiles = async (firstPid: number, fileBytes: number, identity: Identity): Promise<void> => {
  const command = [...commandPrefix(identity), findProgram('prlimit') ?? 'prlimit', `--fsize=${fileBytes}`];
  const pids = [`${firstPid}`, ...(await childrenOf(firstPid))];
  await Promise.all(pids.map(async (pid) => await mustRun([...command, '--pid', pid])));
};

export interface LimitChange {
  /** Of the sandbox; only the runner's own program runs in it yet. */
  readonly firstPid: number;
  readonly identity: Identity;
  readonly before: SandboxLimits;
  readonly after: SandboxLimits;
}

/**
 * Gives a running sandbox the limits that are no group's. Costs nothing where they stay as they are. Throws
 * `SANDBOX_START_FAILED`, so when the size of files is to grow.
 */
export const setLimits = async ({ firstPid, identity, before, after }: LimitChange): Promise<void> => {
  await Promise.all([
    before.diskBytes === after.diskBytes ? null : resize(firstPid, after.diskBytes),
    before.fileBytes === after.fileBytes ? null : limitFiles(firstPid, after.fileBytes, identity),
  ]);
};
