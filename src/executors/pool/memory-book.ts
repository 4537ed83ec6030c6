import type { SandboxClass } from '../call.ts';

/** Expected of a sandbox of a build that was never measured. */
const unknownBytes = 128 * 1024 * 1024;
/** Builds remembered; the one measured longest ago is forgotten first. */
const buildsKept = 4_096;
/** What a smaller measurement takes off the figure: a sandbox that just started is small for a while. */
const decay = 0.95;

/** `ALGORITHM_ID@BUILD`. */
export const buildKeyOf = ({ build }: SandboxClass): string => `${build.algorithmId}@${build.hash}`;

/** What sandboxes of each build were seen to use. */
export interface MemoryBook {
  /** What one more sandbox of the class is expected to use; never more than its limit. */
  expectedOf(sandboxClass: SandboxClass): number;
  measured(sandboxClass: SandboxClass, memoryBytes: number): void;
}

export const createMemoryBook = (): MemoryBook => {
  const byBuild = new Map<string, number>();
  return {
    expectedOf: (sandboxClass) =>
      Math.min(byBuild.get(buildKeyOf(sandboxClass)) ?? unknownBytes, sandboxClass.build.run.memoryBytes),
    measured: (sandboxClass, memoryBytes) => {
      const key = buildKeyOf(sandboxClass);
      const bytes = Math.max(memoryBytes, (byBuild.get(key) ?? 0) * decay);
      byBuild.delete(key);
      byBuild.set(key, bytes);
      const [oldest] = byBuild.keys();
      if (byBuild.size > buildsKept && oldest !== undefined) byBuild.delete(oldest);
    },
  };
};
