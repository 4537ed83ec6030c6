import type { RunSettings } from '../catalog/catalog.ts';
import type { SandboxLimits } from '../sandboxes/sandbox.ts';
import type { ExecutorsConfig } from './config.ts';

const mebibyte = 1024 * 1024;
/** What builds get that were made before these could be asked for; also what `millrace.yaml` gives by default. */
const diskBytesDefault = 2_048 * mebibyte;

/** The most that a sandbox of this pool gets, whatever its build asks for. */
export type LimitsMax = SandboxLimits;

/** The pool's maximum from its configuration. */
export const limitsMaxOf = (config: ExecutorsConfig): LimitsMax => ({
  memoryBytes: config.MILLRACE_SANDBOX_MEMORY_MB * mebibyte,
  cpus: config.MILLRACE_SANDBOX_CPUS,
  processes: config.MILLRACE_SANDBOX_PROCESSES,
  diskBytes: config.MILLRACE_SANDBOX_DISK_MB * mebibyte,
  fileBytes: config.MILLRACE_SANDBOX_FILE_MB * mebibyte,
  gpus: config.MILLRACE_SANDBOX_GPUS,
});

/** What the sandboxes of a build get. */
export const limitsOf = (run: RunSettings, max: LimitsMax): SandboxLimits => {
  const diskBytes = Math.min(run.diskBytes ?? diskBytesDefault, max.diskBytes);
  return {
    memoryBytes: Math.min(run.memoryBytes, max.memoryBytes),
    cpus: Math.min(run.cpus, max.cpus),
    processes: Math.min(run.processes, max.processes),
    diskBytes,
    fileBytes: Math.min(run.fileBytes ?? diskBytes, max.fileBytes),
    gpus: Math.min(run.gpus ?? 0, max.gpus),
  };
};

/** What a sandbox gets that has no algorithm yet. */
export const limitsOfPrewarmed = (max: LimitsMax): SandboxLimits => ({
  memoryBytes: Math.min(256 * mebibyte, max.memoryBytes),
  cpus: max.cpus,
  processes: Math.min(64, max.processes),
  diskBytes: Math.min(diskBytesDefault, max.diskBytes),
  // It can be lowered when the sandbox is adopted, but not raised.
  fileBytes: max.fileBytes,
  gpus: 0,
});
