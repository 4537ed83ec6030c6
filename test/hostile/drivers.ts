import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxDriverDeps } from '../../src/sandboxes/create.ts';

/** A driver that hostile code is run under, and how what it makes on this machine is seen from outside. */
export interface DriverUnderAttack {
  readonly kind: SandboxDriverDeps['kind'];
  /**
   * Everything that exists of sandboxes of the scenario in `folder`, one line each, but for the sandboxes that the
   * processes `spared` are in.
   */
  traces(folder: string, spared: readonly number[]): readonly string[];
}

const linesOf = (file: string): readonly string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return []; // a process that ended meanwhile
  }
};

const entriesIn = (folder: string): readonly Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // not made yet, or not here
  }
};
const namesIn = (folder: string): readonly string[] => entriesIn(folder).map(({ name }) => name);
const foldersIn = (folder: string): readonly string[] =>
  entriesIn(folder)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name));

/** Names of the groups of sandboxes that a process is in. */
const sandboxesOf = (pid: number): readonly string[] => [
  ...new Set(linesOf(`/proc/${pid}/cgroup`).flatMap((line) => /\brun-[0-9a-f-]+/.exec(line) ?? [])),
];

/** Processes that we started, with what they run. */
const children = (): readonly string[] =>
  namesIn('/proc/self/task')
    .flatMap((task) => linesOf(`/proc/self/task/${task}/children`))
    .flatMap((line) => line.split(' ').filter(Boolean))
    .map((pid) => `process ${pid} ${linesOf(`/proc/${pid}/comm`).join('')} ${sandboxesOf(Number(pid)).join(' ')}`);

const bubblewrap: DriverUnderAttack = {
  kind: 'bubblewrap',
  traces: (folder, spared) => {
    const own = spared.flatMap((pid) => sandboxesOf(pid));
    const run = join(folder, 'run');
    const groups = linesOf(join(run, 'cgroups')).flatMap((group) => foldersIn(group));
    const sockets = join(folder, 'executor-0/sockets');
    return [
      ...namesIn(join(run, 'sandboxes')).map((id) => `sandbox ${id}`),
      ...namesIn(join(run, 'adopted/shared')).map((id) => `reserved ${id}`),
      ...groups.map((group) => `group ${group}`),
      ...linesOf('/proc/self/mountinfo').filter((line) => line.includes(folder)),
      ...namesIn(sockets).flatMap((name) => namesIn(join(sockets, name)).map((file) => `file ${file}`)),
      ...children(),
    ].filter((line) => !own.some((id) => line.includes(id)));
  },
};

/** Every driver that promises to isolate. */
export const driversUnderAttack: readonly DriverUnderAttack[] = [bubblewrap];
