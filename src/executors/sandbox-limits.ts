import type { RunSettings } from '../catalog/catalog.ts';
import type { SandboxLimits } from '../sandboxes/sandbox.ts';

const mebibyte = 1024 * 1024;
const diskBytes = 2 * 1024 * mebibyte;
const processesMax = 4_096;

/** The most that a sandbox of this pool gets, whatever its build asks for. */
export type LimitsMax = Pick<SandboxLimits, 'memoryBytes' | 'cpus'>;

/** What the sandboxes of a build get. */
export const limitsOf = (run: RunSettings, max: LimitsMax): SandboxLimits => ({
  memoryBytes: Math.min(run.memoryBytes, max.memoryBytes),
  cpus: Math.min(run.cpus, max.cpus),
  processes: Math.min(run.processes, processesMax),
  diskBytes,
});

/** What a sandbox gets that has no algorithm yet. */
export const limitsOfPrewarmed = (max: LimitsMax): SandboxLimits => ({
  memoryBytes: Math.min(256 * mebibyte, max.memoryBytes),
  cpus: max.cpus,
  processes: 64,
  diskBytes,
});
