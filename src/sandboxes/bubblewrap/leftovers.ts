import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { removeGroupsBelow } from '../cgroups/cgroup.ts';
import { execute } from '../process/execute.ts';

const groupsFile = 'cgroups';

/** Notes which groups this driver makes, for the successor that finds them after a kill. */
export const noteGroups = async (runFolder: string, groups: readonly string[]): Promise<void> => {
  await writeFile(join(runFolder, groupsFile), groups.join('\n'));
};

const notedGroups = async (runFolder: string): Promise<readonly string[]> => {
  try {
    return (await readFile(join(runFolder, groupsFile), 'utf8')).split('\n').filter(Boolean);
  } catch {
    return [];
  }
};

/** Mount points below `folder`, deepest first. */
const mountsBelow = async (folder: string): Promise<readonly string[]> =>
  (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((target) => target.startsWith(`${folder}/`))
    .reverse();

/**
 * Ends and removes everything of a driver that lived on `runFolder`: processes, groups, mounts, files. Mounts go first:
 * what is mounted there belongs to others and must not be deleted.
 */
export const removeLeftovers = async (runFolder: string, clock: Clock): Promise<void> => {
  for (const group of await notedGroups(runFolder)) await removeGroupsBelow(group, clock);
  for (const target of await mountsBelow(runFolder)) await execute(['umount', '-l', target]);
  if ((await mountsBelow(runFolder)).length > 0) return;
  await rm(runFolder, { recursive: true, force: true });
};
