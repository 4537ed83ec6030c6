import { Admin } from '@platformatic/kafka';
import type { EmbeddedLogCredentials } from './credentials.ts';

/**
 * True when the broker answers its own user and takes part in the cluster (a fenced broker is in no metadata). Opens
 * and closes a connection of its own; never rejects.
 */
export const answers = async (port: number, credentials: EmbeddedLogCredentials): Promise<boolean> => {
  const { username, password } = credentials;
  const admin = new Admin({
    clientId: 'millrace-readiness',
    bootstrapBrokers: [`127.0.0.1:${port}`],
    sasl: { mechanism: 'SCRAM-SHA-512', username, password },
    retries: 0,
    connectTimeout: 1_000,
    timeout: 2_000,
  });
  try {
    const { brokers } = await admin.metadata({ topics: [] });
    return brokers.size > 0;
  } catch {
    return false;
  } finally {
    await admin.close().catch(() => {});
  }
};
