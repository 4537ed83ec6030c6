import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, sleep } from '../../kernel/clock.ts';
import type { SandboxLimits, SandboxUsage } from '../sandbox.ts';
import type { Hierarchy } from './hierarchy.ts';

/** The groups of one sandbox. */
export interface Cgroup {
  /** A process joins by writing its id into each of these files. */
  readonly memberFiles: readonly string[];
  /** Sets other limits. Throws the file system's error, so when the members use more than these already. */
  limit(limits: SandboxLimits): void;
  usage(): SandboxUsage;
  ranOutOfMemory(): boolean;
  /** Kills the members that exist now. */
  kill(): void;
  /** Removes the groups once they are empty, killing what is left. Never rejects. */
  remove(): Promise<void>;
}

/** Processes of bubblewrap itself that count against the limit. */
const ownProcesses = 2;
const periodUs = 100_000;

const attempt = (run: () => void): void => {
  try {
    run();
  } catch {
    // the file does not exist on this kernel, or the process is already gone
  }
};

const members = (folder: string): readonly number[] => {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
};

const killMembers = (folder: string): void => {
  for (const pid of members(folder)) attempt(() => process.kill(pid, 'SIGKILL'));
};

const tryRemove = (folder: string): boolean => {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
};

const removeGroups = async (folders: readonly string[], clock: Clock): Promise<void> => {
  let left = folders.filter((folder) => !tryRemove(folder));
  // Members that are just dying keep a group busy for about a millisecond.
  for (let delayMs = 1; left.length > 0 && delayMs < 2000; delayMs *= 2) {
    left.forEach(killMembers);
    await sleep(clock, delayMs);
    left = left.filter((folder) => !tryRemove(folder));
  }
};

const limit = (folder: string | undefined, files: Readonly<Record<string, string>>): void => {
  if (folder === undefined) return;
  for (const [file, value] of Object.entries(files)) writeFileSync(join(folder, file), value);
};

const applyVersionOne = (at: Hierarchy['folders'], limits: SandboxLimits): void => {
  // The kernel keeps the second at least as large as the first: it is set before when growing, after when shrinking.
  const limitWithSwap = (): void => {
    attempt(() => {
      limit(at.memory, { 'memory.memsw.limit_in_bytes': `${limits.memoryBytes}` });
    });
  };
  limitWithSwap();
  limit(at.memory, { 'memory.limit_in_bytes': `${limits.memoryBytes}` });
  limitWithSwap();
  limit(at.cpu, { 'cpu.cfs_period_us': `${periodUs}`, 'cpu.cfs_quota_us': `${Math.ceil(limits.cpus * periodUs)}` });
  limit(at.pids, { 'pids.max': `${limits.processes + ownProcesses}` });
};

const applyVersionTwo = (folder: string | undefined, limits: SandboxLimits): void => {
  limit(folder, {
    'memory.max': `${limits.memoryBytes}`,
    'cpu.max': `${Math.ceil(limits.cpus * periodUs)} ${periodUs}`,
    'pids.max': `${limits.processes + ownProcesses}`,
  });
  attempt(() => {
    limit(folder, { 'memory.swap.max': '0' });
  });
};

/** Reads one small file again and again through one descriptor: a third of the cost of opening it each time. */
class Gauge {
  readonly #fd: number | null;
  readonly #buffer = Buffer.alloc(512);

  constructor(folder: string | undefined, file: string) {
    let fd: number | null = null;
    attempt(() => {
      if (folder !== undefined) fd = openSync(join(folder, file), 'r');
    });
    this.#fd = fd;
  }

  read(field: string | null): number | null {
    if (this.#fd === null) return null;
    const text = this.#buffer.toString('latin1', 0, readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0));
    const value = field === null ? text : new RegExp(`^${field} (\\d+)`, 'm').exec(text)?.[1];
    return value === undefined ? null : Number.parseInt(value, 10);
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
  }
}

interface Gauges {
  readonly cpu: Gauge;
  readonly memory: Gauge;
  readonly peak: Gauge;
  readonly kills: Gauge;
}

const gaugesOf = (version: 1 | 2, at: Hierarchy['folders']): Gauges =>
  version === 1
    ? {
        cpu: new Gauge(at.cpuacct, 'cpuacct.usage'),
        memory: new Gauge(at.memory, 'memory.usage_in_bytes'),
        peak: new Gauge(at.memory, 'memory.max_usage_in_bytes'),
        kills: new Gauge(at.memory, 'memory.oom_control'),
      }
    : {
        cpu: new Gauge(at.cpu, 'cpu.stat'),
        memory: new Gauge(at.memory, 'memory.current'),
        peak: new Gauge(at.memory, 'memory.peak'),
        kills: new Gauge(at.memory, 'memory.events'),
      };

const cpuSecondsOf = (version: 1 | 2, cpu: Gauge): number | null => {
  const spent = version === 1 ? cpu.read(null) : cpu.read('usage_usec');
  return spent === null ? null : spent / (version === 1 ? 1e9 : 1e6);
};

/** Makes the groups of sandbox `id` and sets its limits. Throws the file system's error; nothing is then left behind. */
export const createCgroup = (hierarchy: Hierarchy, id: string, limits: SandboxLimits, clock: Clock): Cgroup => {
  const { version } = hierarchy;
  const at: Hierarchy['folders'] = Object.fromEntries(
    Object.entries(hierarchy.folders).map(([controller, folder]) => [controller, join(folder, id)]),
  );
  const folders = [...new Set(Object.values(at))];
  const apply = (to: SandboxLimits): void => {
    if (version === 1) applyVersionOne(at, to);
    else applyVersionTwo(at.memory, to);
  };
  try {
    for (const folder of folders) mkdirSync(folder);
    apply(limits);
  } catch (error) {
    folders.forEach(tryRemove);
    throw error;
  }
  const gauges = gaugesOf(version, at);
  let closed = false;
  return {
    memberFiles: folders.map((folder) => join(folder, 'cgroup.procs')),
    limit: apply,
    usage: () =>
      closed
        ? { cpuS: null, memoryBytes: null, memoryPeakBytes: null }
        : {
            cpuS: cpuSecondsOf(version, gauges.cpu),
            memoryBytes: gauges.memory.read(null),
            memoryPeakBytes: gauges.peak.read(null),
          },
    ranOutOfMemory: () => !closed && (gauges.kills.read('oom_kill') ?? 0) > 0,
    kill: () => {
      folders.forEach(killMembers);
    },
    remove: async () => {
      if (!closed) for (const gauge of [gauges.cpu, gauges.memory, gauges.peak, gauges.kills]) gauge.close();
      closed = true;
      await removeGroups(folders, clock);
    },
  };
};

/** Kills and removes every sandbox's groups below `parent`, and `parent` itself. Never rejects. */
export const removeGroupsBelow = async (parent: string, clock: Clock): Promise<void> => {
  let children: readonly string[] = [];
  attempt(() => {
    children = readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(parent, entry.name));
  });
  await removeGroups(children, clock);
  tryRemove(parent);
};
