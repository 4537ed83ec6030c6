import { readFileSync } from 'node:fs';
import type Docker from 'dockerode';
import type { Container, ContainerCreateOptions } from 'dockerode';
import { type Gauges, openGauges } from '../cgroups/gauges.ts';
import { groupsOf } from '../cgroups/hierarchy.ts';
import type { ProcessEnd } from '../process/process-sandbox.ts';
import type { SandboxLimits } from '../sandbox.ts';
import { resourcesOf } from './container-options.ts';

/** A container that was started. */
export interface RunningContainer {
  /** This host's id of its first process; null when it ended already, or when the engine's processes are not seen here. */
  readonly pid: number | null;
  readonly gauges: Gauges;
  /** Resolves when every process in it is gone; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Sets other limits. Throws the engine's error. */
  limit(limits: SandboxLimits): Promise<void>;
  /** Kills every process in it. Never rejects. */
  kill(): Promise<void>;
  /** After its end. Removes it and says whether memory ran out. Never rejects. */
  remove(): Promise<{ readonly outOfMemory: boolean }>;
}

/** Whether the process with this id, as seen from here, is the container's: the engine may count its own way. */
const belongsTo = (pid: number, container: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container);
  } catch {
    return false;
  }
};

/** 128 and the number of SIGKILL, as shells count. */
const codeOfKilled = 137;

const endOf = async (container: Container, wasKilled: () => boolean): Promise<ProcessEnd> => {
  try {
    const end = (await container.wait()) as { readonly StatusCode: number };
    // It may have ended by itself just before.
    const killed = wasKilled() && end.StatusCode === codeOfKilled;
    return killed ? { code: null, signal: 'SIGKILL' } : { code: end.StatusCode, signal: null };
  } catch {
    // The engine is gone, or somebody removed the container.
    return { code: null, signal: null };
  }
};

const ignore = (): void => {};

const removeContainer = async (container: Container): Promise<{ readonly outOfMemory: boolean }> => {
  let outOfMemory = false;
  try {
    outOfMemory = (await container.inspect()).State.OOMKilled;
    await container.remove({ force: true, v: true });
  } catch {
    // It is gone already; what the engine could not remove, the successor finds by its label.
  }
  return { outOfMemory };
};

/** Makes a container and starts it. Throws the engine's error; nothing is then left behind. */
export const startContainer = async (engine: Docker, options: ContainerCreateOptions): Promise<RunningContainer> => {
  const container = await engine.createContainer(options);
  try {
    await container.start();
    const pid = (await container.inspect()).State.Pid;
    const seen = belongsTo(pid, container.id) ? pid : null;
    const gauges = openGauges(seen === null ? { version: 1, folders: {} } : groupsOf(seen));
    let killed = false;
    return {
      pid: seen,
      gauges,
      ended: endOf(container, () => killed),
      limit: async (limits) => {
        await container.update(resourcesOf(limits));
      },
      kill: async () => {
        killed = true;
        await container.kill().catch(ignore);
      },
      remove: async () => {
        gauges.close();
        return await removeContainer(container);
      },
    };
  } catch (error) {
    await removeContainer(container);
    throw error;
  }
};
