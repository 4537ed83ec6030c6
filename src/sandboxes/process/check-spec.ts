import { existsSync } from 'node:fs';
import { sandboxErrors } from '../errors.ts';
import type { SandboxSpec } from '../sandbox.ts';

/** Throws `SANDBOX_START_FAILED` for an id that cannot name files, and for mounts of which the source is missing. */
export const checkSpec = (spec: SandboxSpec): void => {
  if (!/^[a-z0-9-]+$/.test(spec.id)) {
    throw sandboxErrors.START_FAILED({
      message: `A sandbox cannot be called "${spec.id}": only a-z, 0-9 and - may stand in its id.`,
    });
  }
  const sources = [...spec.mounts.map((mount) => mount.source), ...(spec.endpoint === null ? [] : [spec.endpoint])];
  const missing = sources.filter((source) => !existsSync(source));
  if (missing.length === 0) return;
  throw sandboxErrors.START_FAILED({
    message: `Sandbox ${spec.id} is to see ${missing.join(' and ')}, which does not exist.`,
  });
};
