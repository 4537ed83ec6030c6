import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { SandboxDriverDeps } from '../../src/sandboxes/create.ts';

/** A driver that hostile code is run under, and how what it makes on this machine is seen from outside. */
export interface DriverUnderAttack {
  readonly kind: SandboxDriverDeps['kind'];
  /** The host's id of the user that sandboxes are when the platform is root, who may choose. */
  readonly user: number;
  /**
   * What a neighbour may always wait at its 99th percentile, in milliseconds: above twice its quiet figure only because
   * machines with two processors are noisy, and containers hold our process up (docs/sandboxes.md).
   */
  readonly neighbourFloorMs: number;
  /**
   * Everything that exists of sandboxes of the scenario in `folder`, one line each, but for the sandboxes that the
   * processes `spared` are in.
   */
  traces(folder: string, spared: readonly number[]): Promise<readonly string[]>;
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

const idOfSandbox = /\brun-[0-9a-f-]+/;
const idOfContainer = /\b[0-9a-f]{64}\b/;

/** What tells sandboxes apart in the groups that a process is in. */
const idsOf = (pid: number | string): readonly string[] => [
  ...new Set(
    linesOf(`/proc/${pid}/cgroup`).flatMap((line) => [
      ...(idOfSandbox.exec(line) ?? []),
      ...(idOfContainer.exec(line) ?? []),
    ]),
  ),
];

/** The sandbox whose network a process brings up is named by the command alone. */
const idsServedBy = (pid: string): readonly string[] => {
  const served = /\/proc\/(\d+)\/ns\/net/.exec(linesOf(`/proc/${pid}/cmdline`).join(''))?.[1];
  return served === undefined ? [] : idsOf(served);
};

/** Processes that we started, with what they run and for which sandbox. */
const children = (): readonly string[] =>
  namesIn('/proc/self/task')
    .flatMap((task) => linesOf(`/proc/self/task/${task}/children`))
    .flatMap((line) => line.split(' ').filter(Boolean))
    .map((pid) => {
      const ids = [...idsOf(pid), ...idsServedBy(pid)];
      return `process ${pid} ${linesOf(`/proc/${pid}/comm`).join('')} ${ids.join(' ')}`;
    });

/** What every driver makes. */
const commonTraces = (folder: string): readonly string[] => {
  const run = join(folder, 'run');
  const sockets = join(folder, 'executor-0/sockets');
  return [
    ...namesIn(join(run, 'sandboxes')).map((id) => `sandbox ${id}`),
    ...namesIn(join(run, 'adopted/shared')).map((id) => `reserved ${id}`),
    ...linesOf('/proc/self/mountinfo').filter((line) => line.includes(folder)),
    ...namesIn(sockets).flatMap((name) => namesIn(join(sockets, name)).map((file) => `file ${name}/${file}`)),
    ...children(),
  ];
};

const without = (lines: readonly string[], ids: readonly string[]): readonly string[] =>
  lines.filter((line) => !ids.some((id) => line.includes(id)));

const bubblewrap: DriverUnderAttack = {
  kind: 'bubblewrap',
  user: 60_722,
  neighbourFloorMs: 200,
  traces: (folder, spared) => {
    const groups = linesOf(join(folder, 'run/cgroups')).flatMap((group) => foldersIn(group));
    const lines = [...commonTraces(folder), ...groups.map((group) => `group ${group}`)];
    return Promise.resolve(
      without(
        lines,
        spared.flatMap((pid) => idsOf(pid)),
      ),
    );
  },
};

/** The containers that carry the label of the driver of this scenario, as the engine lists them: id and name. */
const containersOf = async (folder: string): Promise<readonly string[]> => {
  const mark = createHash('sha256')
    .update(realpathSync(join(folder, 'run')))
    .digest('hex')
    .slice(0, 12);
  const filters = { label: [`millrace.driver=${mark}`] };
  const listed = await new Docker().listContainers({ all: true, filters });
  return listed.map(({ Id, Names, State }) => `container ${Id} ${Names.join(' ')} ${State}`);
};

const docker: DriverUnderAttack = {
  kind: 'docker',
  user: 2222,
  neighbourFloorMs: 1_500,
  traces: async (folder, spared) => {
    const containers = await containersOf(folder);
    const ids = spared.flatMap((pid) => idsOf(pid));
    // A container is found by its own id, all else of its sandbox by the name that it was given.
    const names = containers
      .filter((line) => ids.some((id) => line.includes(id)))
      .flatMap((line) => idOfSandbox.exec(line) ?? []);
    return without([...commonTraces(folder), ...containers], [...ids, ...names]);
  },
};

/** Every driver that promises to isolate. */
export const driversUnderAttack: readonly DriverUnderAttack[] = [bubblewrap, docker];

/** For attacks on what the platform does before, after and beside a sandbox: the same under every driver. */
export const oneDriver: readonly DriverUnderAttack[] = [bubblewrap];
