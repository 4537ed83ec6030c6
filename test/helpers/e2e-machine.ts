import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a platform occupies on this machine. */

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** Process id, parent, state and start of each process, as `/proc` tells them. */
const processes = (): readonly { readonly pid: number; readonly parent: number; readonly mark: string }[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = read(`/proc/${name}/stat`);
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state = 'Z', parent = '0'] = fields;
      if (stat === '' || state === 'Z') return [];
      return [{ pid: Number(name), parent: Number(parent), mark: `${name}@${fields[19] ?? ''}` }];
    });

/** A process that was there: its id and when it started, because ids are used again. */
export interface Seen {
  readonly pid: number;
  readonly mark: string;
}

/** The process and everything that it started, directly or not. */
export const processTree = (root: number): readonly Seen[] => {
  const all = processes();
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
};

/** Those of them that are still there. */
export const stillAlive = (seen: readonly Seen[]): readonly Seen[] => {
  const marks = new Set(processes().map(({ mark }) => mark));
  return seen.filter(({ mark }) => marks.has(mark));
};

/** `kill -9` of all of them; some end because others did. */
export const killAll = (seen: readonly Seen[]): void => {
  for (const { pid } of stillAlive(seen)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
};

/** Mount points below the folder. */
export const mountsBelow = (folder: string): readonly string[] =>
  read('/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${folder}/`));

/** Control groups that the drivers noted in the data folder. */
export const notedGroups = (dataFolder: string): readonly string[] =>
  existsSync(join(dataFolder, 'run'))
    ? readdirSync(join(dataFolder, 'run'), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('/cgroups'))
        .flatMap((path) =>
          read(join(dataFolder, 'run', path))
            .split('\n')
            .filter(Boolean),
        )
    : [];
