import { Admin } from '@platformatic/kafka';
import type { EmbeddedLogCredentials } from './credentials.ts';

/** `refused`: the broker is there and does not take our password. */
export type Readiness = 'ready' | 'not-yet' | 'refused';

/** The client wraps the broker's "no" in several layers of errors. */
const isRefusal = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  if ('code' in error && error.code === 'PLT_KFK_AUTHENTICATION') return true;
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [...inner, error.cause].some(isRefusal);
};

/**
 * Asks the broker whether it answers its own user and takes part in the cluster (a fenced broker is in no metadata).
 * Opens and closes a connection of its own; never rejects.
 */
export const askReadiness = async (port: number, credentials: EmbeddedLogCredentials): Promise<Readiness> => {
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
    return brokers.size > 0 ? 'ready' : 'not-yet';
  } catch (error) {
    return isRefusal(error) ? 'refused' : 'not-yet';
  } finally {
    await admin.close().catch(() => {});
  }
};
