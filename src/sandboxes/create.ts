import type { Clock } from '../kernel/clock.ts';
import { asPlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { createBubblewrapDriver } from './bubblewrap/driver.ts';
import type { DockerOptions } from './docker/driver.ts';
import { sandboxErrors } from './errors.ts';
import { createPlainDriver } from './plain/driver.ts';
import type { SandboxDriver } from './sandbox.ts';

export interface SandboxDriverDeps {
  /** `auto`: bubblewrap where it works, else Docker where an engine answers. */
  readonly kind: 'auto' | 'bubblewrap' | 'docker' | 'plain';
  /** Owned by this driver alone: what lies in it from a predecessor is removed. Created if missing. */
  readonly runFolder: string;
  /** For Docker; left out: the usual socket, Debian's slim image. */
  readonly docker?: Partial<DockerOptions>;
  /** Told of what takes long, once it is there: the image of sandboxes. */
  readonly onProgress?: (text: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const docker = async (deps: SandboxDriverDeps): Promise<SandboxDriver> => {
  // Only where it is wanted: loading the engine's client takes longer than starting a sandbox.
  const { createDockerDriver } = await import('./docker/driver.ts');
  return await createDockerDriver({
    ...deps,
    socketPath: deps.docker?.socketPath ?? '/var/run/docker.sock',
    baseImage: deps.docker?.baseImage ?? 'debian:bookworm-slim',
    onProgress: deps.onProgress ?? (() => {}),
  });
};

/** The reason why a driver cannot be had here; anything else is thrown on. */
const reasonOf = (error: unknown): string => {
  const { code, message } = asPlatformError(error);
  if (code !== 'SANDBOX_DRIVER_MISSING') throw error;
  return message;
};

const chooseDriver = async (deps: SandboxDriverDeps): Promise<SandboxDriver> => {
  const reasons: string[] = [];
  for (const create of [createBubblewrapDriver, docker]) {
    try {
      return await create(deps);
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw sandboxErrors.DRIVER_MISSING({ message: `No sandbox can isolate code here. ${reasons.join(' ')}` });
};

/**
 * Makes the driver after trying what this machine allows and removing what a killed predecessor left. Throws
 * `SANDBOX_DRIVER_MISSING` with what to install or to permit when nothing can be isolated here.
 */
export const createSandboxDriver = async (deps: SandboxDriverDeps): Promise<SandboxDriver> => {
  if (deps.kind === 'auto') return await chooseDriver(deps);
  if (deps.kind === 'docker') return await docker(deps);
  return deps.kind === 'bubblewrap' ? await createBubblewrapDriver(deps) : await createPlainDriver(deps);
};
