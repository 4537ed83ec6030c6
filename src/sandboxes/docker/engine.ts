import Docker from 'dockerode';
import { sandboxErrors } from '../errors.ts';

/** Reached through a socket on this machine: sandboxes answer through named pipes, which no network carries. */
export const openEngine = async (socketPath: string): Promise<Docker> => {
  const engine = new Docker({ socketPath });
  try {
    await engine.ping();
    return engine;
  } catch (error) {
    throw sandboxErrors.DRIVER_MISSING({
      message: `No Docker engine answers at ${socketPath} (${messageOf(error)}). Start one there, name its socket in MILLRACE_DOCKER_SOCKET, or set MILLRACE_SANDBOX=bubblewrap.`,
      cause: error,
    });
  }
};

/** The engine's own words, without the client's. */
export const messageOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null) return String(error);
  if ('json' in error && typeof error.json === 'object' && error.json !== null && 'message' in error.json) {
    return String(error.json.message).trim();
  }
  return error instanceof Error ? error.message : 'no reason given';
};
