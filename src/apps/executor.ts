import { createExecutor } from '../executors/create.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import type { AllConfig } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import { interpretersOf } from './interpreters.ts';
import type { Role } from './role.ts';

/** The executor role: runs the algorithms of one pool in sandboxes of that driver. */
export const createExecutorRole = (foundation: Foundation, config: AllConfig, driver: SandboxDriver): Role => {
  const executor = createExecutor({ ...foundation, driver, config, interpreters: interpretersOf(config, foundation) });
  return {
    name: 'executor',
    checks: [{ name: 'executor', check: () => (executor.ready() ? undefined : 'it takes no requests') }],
    presence: () => executor.presence(),
    start: async () => await executor.start(),
    stop: async () => await executor.stop(),
  };
};
