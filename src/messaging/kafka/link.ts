import { Connection, type ConnectionOptions, type Reader, ResponseError, type Writer } from '@platformatic/kafka';
import { messagingErrors } from '../errors.ts';

/** One call of the protocol, as the library exports it. */
export interface Api<Arguments extends unknown[], Response> {
  readonly createRequest: (...args: Arguments) => Writer;
  readonly parseResponse: (correlationId: number, key: number, version: number, reader: Reader) => Response;
  readonly api: { readonly key: number; readonly version: number };
}

export interface LinkOptions {
  readonly clientId: string;
  readonly connection: ConnectionOptions;
  /** Told again at every attempt to connect, because brokers move. */
  address(): { readonly host: string; readonly port: number };
}

/** The response in an error of the library, which throws where any part of a response carries a code. */
const responseOf = (error: Error): unknown => (error instanceof ResponseError ? error['response'] : undefined);

/**
 * One connection to one broker: opened by the first call, opened again by the first call after it was lost. Requests
 * are answered in order; a call that waits at the broker holds up those behind it, so readers have links of their own.
 */
export class Link {
  readonly #options: LinkOptions;
  #connection: Connection | null = null;
  #connecting: Promise<Connection> | null = null;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /**
   * Sends a request and resolves with its response, error codes included: the caller looks at them. Rejects with
   * `MESSAGING_UNAVAILABLE` when the connection cannot be had or is lost before the response; the request may then
   * have had its effect.
   */
  async call<Arguments extends unknown[], Response>(
    api: Api<Arguments, Response>,
    ...args: Arguments
  ): Promise<Response> {
    const connection = this.#connection ?? (await this.connect());
    return await new Promise<Response>((resolve, reject) => {
      connection.send<Response>(
        api.api.key,
        api.api.version,
        () => api.createRequest(...args),
        api.parseResponse,
        true,
        true,
        (error, response) => {
          const answer = error === null ? response : (responseOf(error) as Response | undefined);
          if (answer !== undefined) resolve(answer);
          else reject(this.#lost(error));
        },
      );
    });
  }

  /** Opens the connection unless it is open. */
  async connect(): Promise<Connection> {
    if (this.#closed) throw messagingErrors.CLOSED({ message: 'The connection was closed.' });
    if (this.#connection?.isConnected() === true) return this.#connection;
    this.#connection = null;
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = null;
    });
    return await this.#connecting;
  }

  /** Closes; calls in flight reject. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection ?? (await this.#connecting?.catch(() => null)) ?? null;
    this.#connection = null;
    // Requests in flight are answered with an error only once the socket is gone.
    connection?.socket.destroy();
    await connection?.close();
  }

  async #open(): Promise<Connection> {
    const { host, port } = this.#options.address();
    const connection = new Connection(this.#options.clientId, this.#options.connection);
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = null;
    };
    connection.on('error', forget);
    connection.on('close', forget);
    try {
      await connection.connect(host, port);
    } catch (error) {
      connection.socket.destroy();
      throw this.#lost(error);
    }
    if (this.#closed) {
      connection.socket.destroy();
      throw messagingErrors.CLOSED({ message: 'The connection was closed.' });
    }
    this.#connection = connection;
    return connection;
  }

  #lost(cause: unknown): Error {
    const { host, port } = this.#options.address();
    if (this.#closed) return messagingErrors.CLOSED({ message: 'The connection was closed.' });
    return messagingErrors.UNAVAILABLE({
      message: `The broker at ${host}:${port} did not answer. Check that it runs and that the credentials are right.`,
      cause,
    });
  }
}
