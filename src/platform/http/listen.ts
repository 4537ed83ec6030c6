import { createServer, type Server } from 'node:http';
import { httpErrors } from './errors.ts';
import { describeHolder, portHolder } from './port-holder.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Variable that sets the port, for the message when it is taken. */
  readonly variable: string;
}

/** Turns the error of a `listen` (`EADDRINUSE` and the like) into one that says who holds the port and what to set. */
export const toListenError = (cause: unknown, options: ListenOptions): unknown => {
  if (!(cause instanceof Error) || !('code' in cause)) return cause;
  const { host, port, variable } = options;
  if (cause.code === 'EADDRINUSE') {
    const holder = portHolder(port);
    const message = `Port ${port} is taken by ${describeHolder(holder)}. Set ${variable}, or stop it.`;
    return httpErrors.PORT_TAKEN({ message, details: { port, pid: holder?.pid }, cause });
  }
  if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'EACCES') {
    const message = `${host}:${port} cannot be opened (${cause.message}). Choose another address or set ${variable}.`;
    return httpErrors.ADDRESS_REFUSED({ message, cause });
  }
  return cause;
};

/**
 * Opens a server's listener; gives the port that it got.
 * @throws `HTTP_PORT_TAKEN`, `HTTP_ADDRESS_REFUSED`.
 */
export const listen = async (server: Server, options: ListenOptions): Promise<number> => {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const error = toListenError(cause, options);
      reject(error instanceof Error ? error : cause);
    });
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : options.port;
};

/**
 * Tells early that a port is taken: before long work, at whose end it is to be opened. 0 is always free.
 * @throws `HTTP_PORT_TAKEN`, `HTTP_ADDRESS_REFUSED`.
 */
export const requireFreePort = async (options: ListenOptions): Promise<void> => {
  const server = createServer();
  await listen(server, options);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
};
