import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxSpec } from '../sandbox.ts';

/** A mount inside another one needs a place to stand, which nobody can make once the outer one is read-only. */
export const makeMountPoints = async (spec: Pick<SandboxSpec, 'mounts'>): Promise<void> => {
  for (const inner of spec.mounts) {
    const outer = spec.mounts.find((mount) => inner.target.startsWith(`${mount.target}/`));
    if (outer === undefined) continue;
    await mkdir(join(outer.source, inner.target.slice(outer.target.length)), { recursive: true });
  }
};
