import { join } from 'node:path';
import { readEnvironments } from '../catalog/environment-files.ts';
import { createControl } from '../control/create.ts';
import { ensureAdminKey } from './admin-key.ts';
import type { AllConfig } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import { createHousekeeping } from './housekeeping.ts';
import { interpretersOf } from './interpreters.ts';
import type { Role } from './role.ts';

/** The control role: the only writer of entities. */
export const createControlRole = async (foundation: Foundation, config: AllConfig): Promise<Role> => {
  const key = await ensureAdminKey(config);
  const control = createControl({
    ...foundation,
    admin: { user: config.MILLRACE_ADMIN_USER, key },
    environments: readEnvironments(join(foundation.runtimeFolder, 'environments'), interpretersOf(config, foundation)),
  });
  const housekeeping = createHousekeeping(foundation);
  let started = false;
  return {
    name: 'control',
    checks: [{ name: 'control', check: () => (started ? undefined : 'the writer has not started') }],
    start: async () => {
      await control.start();
      started = true;
      housekeeping.start();
    },
    stop: async () => {
      housekeeping.stop();
      await control.stop();
    },
  };
};
