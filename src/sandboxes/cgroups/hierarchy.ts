import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Controller = 'memory' | 'cpu' | 'pids' | 'cpuacct';

/** Where this process may make groups: one folder per controller (v1), or one for all (v2). */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly folders: Partial<Record<Controller, string>>;
}

const controllers: readonly Controller[] = ['memory', 'cpu', 'pids', 'cpuacct'];

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

interface CgroupMount {
  readonly folder: string;
  readonly kind: string;
  readonly options: readonly string[];
}

const cgroupMounts = (): readonly CgroupMount[] =>
  read('/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , kind]) => kind === 'cgroup' || kind === 'cgroup2')
    .map(([, folder = '', kind = '', options = '']) => ({ folder, kind, options: options.split(',') }));

/** Path of a process's group by controller; '' is the unified hierarchy. */
const pathsOf = (process: string): ReadonlyMap<string, string> =>
  new Map(
    read(`/proc/${process}/cgroup`)
      .split('\n')
      .flatMap((line) => {
        const [, names = '', ...path] = line.split(':');
        return names.split(',').map((name): [string, string] => [name, path.join(':')]);
      }),
  );

const makeGroup = (parent: string, name: string): string | null => {
  const folder = join(parent, name);
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch {
    return null;
  }
};

const versionOne = (name: string): Hierarchy => {
  const own = pathsOf('self');
  const folders: Partial<Record<Controller, string>> = {};
  for (const controller of controllers) {
    const mount = cgroupMounts().find((at) => at.kind === 'cgroup' && at.options.includes(controller));
    if (mount === undefined) continue;
    const below = join(mount.folder, own.get(controller) ?? '/');
    const folder = makeGroup(existsSync(below) ? below : mount.folder, name);
    if (folder !== null) folders[controller] = folder;
  }
  return { version: 1, folders };
};

const needed = ['memory', 'cpu', 'pids'] as const;

/** A group whose children can be limited; null when the kernel or our rights do not allow one here. */
const delegate = (parent: string, name: string): string | null => {
  const offered = read(join(parent, 'cgroup.subtree_control')).split(/\s+/);
  if (!needed.every((controller) => offered.includes(controller))) return null;
  const folder = makeGroup(parent, name);
  if (folder === null) return null;
  try {
    writeFileSync(join(folder, 'cgroup.subtree_control'), '+memory +cpu +pids');
    return folder;
  } catch {
    return null;
  }
};

const versionTwo = (name: string): Hierarchy | null => {
  const mount = cgroupMounts().find((at) => at.kind === 'cgroup2');
  if (mount === undefined || !read(join(mount.folder, 'cgroup.controllers')).includes('memory')) return null;
  const own = join(mount.folder, pathsOf('self').get('') ?? '/');
  // A group with processes of its own cannot limit children, so ours usually becomes our sibling.
  for (const parent of new Set([own, dirname(own), mount.folder])) {
    const folder = parent.startsWith(mount.folder) ? delegate(parent, name) : null;
    if (folder !== null) return { version: 2, folders: { memory: folder, cpu: folder, pids: folder, cpuacct: folder } };
  }
  return null;
};

/** Finds (and makes) the group called `name` in whichever hierarchy has the controllers; folders may be missing. */
export const findHierarchy = (name: string): Hierarchy => versionTwo(name) ?? versionOne(name);

/** The groups that a process is a member of, as far as they can be seen from here; not ours to change. */
export const groupsOf = (pid: number): Hierarchy => {
  const paths = pathsOf(`${pid}`);
  const mounts = cgroupMounts();
  const unified = mounts.find((at) => at.kind === 'cgroup2')?.folder;
  const own = unified === undefined ? null : join(unified, paths.get('') ?? '/');
  if (own !== null && existsSync(join(own, 'memory.current'))) {
    return { version: 2, folders: { memory: own, cpu: own, pids: own, cpuacct: own } };
  }
  const folders: Partial<Record<Controller, string>> = {};
  for (const controller of controllers) {
    const mount = mounts.find((at) => at.kind === 'cgroup' && at.options.includes(controller));
    const path = paths.get(controller);
    if (mount !== undefined && path !== undefined) folders[controller] = join(mount.folder, path);
  }
  return { version: 1, folders };
};
