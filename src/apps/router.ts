import { createRouter } from '../router/create.ts';
import type { AllConfig } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import type { Role } from './role.ts';

/** The router role: what accounts publish becomes requests. */
export const createRouterRole = (foundation: Foundation, config: AllConfig): Role => {
  const router = createRouter({ ...foundation, defaultPool: config.MILLRACE_POOLS[0] ?? 'cpu' });
  return {
    name: 'router',
    checks: [],
    start: async () => await router.start(),
    stop: async () => await router.stop(),
  };
};
