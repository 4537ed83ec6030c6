import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ensureSecretFile } from '../platform/secrets/secret-file.ts';
import type { AllConfig } from './configuration.ts';

/** The secret that all processes of this platform share: as configured, else the one kept in the data folder. */
export const ensurePlatformSecret = async (config: AllConfig): Promise<string> => {
  const configured = config.MILLRACE_SECRET?.reveal();
  if (configured !== undefined) return configured;
  const make = (): string => randomBytes(32).toString('base64url');
  return await ensureSecretFile(join(config.MILLRACE_DATA_DIR, 'platform.secret'), make);
};
