import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ensureSecretFile } from '../platform/secrets/secret-file.ts';
import type { AllConfig } from './configuration.ts';

/** The bootstrap administrator's key: as configured, else the one kept in the data folder, made at the first start. */
export const ensureAdminKey = async (config: AllConfig): Promise<string> => {
  const configured = config.MILLRACE_ADMIN_KEY?.reveal();
  if (configured !== undefined) return configured;
  const make = (): string => `sim${randomBytes(24).toString('base64url').replaceAll(/[-_]/g, '0')}`;
  return await ensureSecretFile(join(config.MILLRACE_DATA_DIR, 'admin.key'), make);
};
