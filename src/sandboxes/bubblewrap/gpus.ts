import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxErrors } from '../errors.ts';

/** The graphics processors of this machine; each is in one sandbox at most. */
export interface Gpus {
  readonly count: number;
  /** Devices of `wanted` processors that nobody has, until they are given back. Throws `SANDBOX_START_FAILED`. */
  take(wanted: number): GpuShare;
}

/** Processors that one sandbox has. */
export interface GpuShare {
  /** Paths on the host, which are the same inside. */
  readonly devices: readonly string[];
  /** May be called twice. */
  giveBack(): void;
}

const none: GpuShare = { devices: [], giveBack: () => {} };

/** What programs need beside the processors' own devices. The driver's libraries lie in the system folders. */
const sharedNames = ['nvidiactl', 'nvidia-modeset', 'nvidia-uvm', 'nvidia-uvm-tools'];

/** Finds what NVIDIA's driver offers in `folder`, which is `/dev`. */
export const findGpus = (folder: string): Gpus => {
  const names = readdirSync(folder).sort();
  const free = names.filter((name) => /^nvidia\d+$/.test(name));
  const count = free.length;
  const shared = names.filter((name) => sharedNames.includes(name));
  return {
    count,
    take: (wanted) => {
      if (wanted === 0) return none;
      if (wanted > free.length) {
        throw sandboxErrors.START_FAILED({
          message: `A sandbox needs ${wanted} graphics processors; of the ${count} of this machine ${free.length} are free.`,
        });
      }
      const taken = free.splice(0, wanted);
      return {
        devices: [...taken, ...shared].map((name) => join(folder, name)),
        giveBack: () => {
          free.push(...taken.splice(0));
        },
      };
    },
  };
};
