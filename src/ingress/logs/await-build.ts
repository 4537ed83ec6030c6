import { type Build, buildKind } from '../../catalog/catalog.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { StateView } from '../../messaging/state-view.ts';

/** Waits for builds to end. */
export interface BuildWatch {
  /** The build once it is not in progress; null after `timeoutMs`. */
  finished(algorithmId: string, hash: string, timeoutMs: number): Promise<Build | null>;
}

/** Watches the view once for everybody who waits. */
export const createBuildWatch = (view: StateView, clock: Clock): BuildWatch => {
  const waiting = new Map<string, Set<(build: Build | null) => void>>();

  view.watch(buildKind, ({ id, after }) => {
    const waiters = waiting.get(id);
    if (waiters === undefined || after?.status === 'in-progress') return;
    waiting.delete(id);
    for (const resolve of waiters) resolve(after ?? null);
  });
  return {
    finished: async (algorithmId, hash, timeoutMs) => {
      const id = `${algorithmId}/${hash}`;
      const present = view.get(buildKind, id);
      if (present !== undefined && present.status !== 'in-progress') return present;
      return await new Promise<Build | null>((resolve) => {
        const waiters = waiting.get(id) ?? new Set();
        waiting.set(id, waiters);
        const cancel = clock.after(timeoutMs, () => settle(null));
        const settle = (build: Build | null): void => {
          cancel();
          waiters.delete(settle);
          resolve(build);
        };
        waiters.add(settle);
      });
    },
  };
};
