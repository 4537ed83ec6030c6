import { createRunTokens } from '../accounts/run-token.ts';
import { createExecutor } from '../executors/create.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import type { AllConfig } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import { interpretersOf } from './interpreters.ts';
import { ensurePlatformSecret } from './platform-secret.ts';
import type { Role } from './role.ts';

/**
 * The executor role: runs the algorithms of one pool in sandboxes of that driver. `ownIngress`: address of the HTTP API
 * in the same process, once it listens.
 */
export const createExecutorRole = async (
  foundation: Foundation,
  config: AllConfig,
  driver: SandboxDriver,
  ownIngress: () => string | null = () => null,
): Promise<Role> => {
  const executor = createExecutor({
    ...foundation,
    driver,
    config,
    interpreters: interpretersOf(config, foundation),
    runTokens: createRunTokens(await ensurePlatformSecret(config)),
    ingressUrl: () => config.MILLRACE_INGRESS_URL ?? ownIngress(),
  });
  return {
    name: 'executor',
    checks: [{ name: 'executor', check: () => (executor.ready() ? undefined : 'it takes no requests') }],
    presence: () => executor.presence(),
    start: async () => await executor.start(),
    stop: async () => await executor.stop(),
  };
};
