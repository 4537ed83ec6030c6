import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { createBubblewrapDriver } from './bubblewrap/driver.ts';
import { createPlainDriver } from './plain/driver.ts';
import type { SandboxDriver } from './sandbox.ts';

export interface SandboxDriverDeps {
  readonly kind: 'bubblewrap' | 'plain';
  /** Owned by this driver alone: what lies in it from a predecessor is removed. Created if missing. */
  readonly runFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Makes the driver after trying what this machine allows and removing what a killed predecessor left. Throws
 * `SANDBOX_DRIVER_MISSING` with what to install or to permit when nothing can be isolated here.
 */
export const createSandboxDriver = async (deps: SandboxDriverDeps): Promise<SandboxDriver> =>
  deps.kind === 'bubblewrap' ? await createBubblewrapDriver(deps) : await createPlainDriver(deps);
