import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, sleep } from '../../kernel/clock.ts';
import type { SandboxLimits, SandboxUsage } from '../sandbox.ts';
import { openGauges } from './gauges.ts';
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
  const gauges = openGauges({ version, folders: at });
  return {
    memberFiles: folders.map((folder) => join(folder, 'cgroup.procs')),
    limit: apply,
    usage: () => gauges.usage(),
    ranOutOfMemory: () => gauges.ranOutOfMemory(),
    kill: () => {
      folders.forEach(killMembers);
    },
    remove: async () => {
      gauges.close();
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
