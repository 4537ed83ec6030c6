import type { Sandbox, SandboxSpec } from '../sandbox.ts';

/** The sandboxes of a driver that have not ended. */
export interface KeptSandboxes {
  /** Starts one and keeps it until it ends. Throws what starting does. */
  start(spec: SandboxSpec): Promise<Sandbox>;
  /** Ends all of them, those that start now as well. */
  stop(): Promise<void>;
}

export const keepSandboxes = (startOne: (spec: SandboxSpec) => Promise<Sandbox>): KeptSandboxes => {
  const running = new Set<Sandbox>();
  const starting = new Set<Promise<unknown>>();
  const startAndKeep = async (spec: SandboxSpec): Promise<Sandbox> => {
    const sandbox = await startOne(spec);
    running.add(sandbox);
    void sandbox.exited.then(() => running.delete(sandbox));
    return sandbox;
  };
  return {
    start: async (spec) => {
      const begun = startAndKeep(spec);
      starting.add(begun);
      return await begun.finally(() => starting.delete(begun));
    },
    stop: async () => {
      await Promise.allSettled(starting);
      await Promise.all([...running].map(async (sandbox) => await sandbox.stop(0)));
    },
  };
};
