import { connect, type Socket } from 'node:net';
import type { Logger } from '../../kernel/logger.ts';
import type { Listener } from './listeners.ts';

/** Which addresses a name has, and which of them may be reached. */
export interface HostPolicy {
  /** Addresses of a name. Rejects when it has none. */
  lookup(name: string): Promise<readonly string[]>;
  isOpen(address: string): boolean;
}

export interface GateDeps {
  readonly sandbox: string;
  readonly policy: HostPolicy;
  readonly logger: Logger;
}

export interface Gate {
  /** Breaks all connections. May be called twice. */
  close(): void;
}

const connectionsMax = 256;
const addressesTried = 4;
const connectTimeoutMs = 10_000;

const connectTo = async (host: string, port: number): Promise<Socket> => {
  const socket = connect({ host, port, allowHalfOpen: true });
  return await new Promise((resolve, reject) => {
    socket.setTimeout(connectTimeoutMs, () => {
      socket.destroy(new Error(`${host}:${port} does not answer`));
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
};

const join = (inside: Socket, outside: Socket): void => {
  inside.pipe(outside);
  outside.pipe(inside);
  for (const [one, other] of [
    [inside, outside],
    [outside, inside],
  ] as const) {
    one.once('close', () => {
      other.destroy();
    });
  }
};

/**
 * The only way out of a sandbox with an allow-list. A connection's host is given by the address it was made to, so
 * nothing that a program sends chooses it. The name is looked up here, for each connection, and the address that was
 * checked is the one that is connected to: a name whose address changes in between gains nothing.
 */
class HostGate implements Gate {
  readonly #deps: GateDeps;
  readonly #listeners: readonly Listener[];
  readonly #open = new Set<Socket>();

  constructor(listeners: readonly Listener[], deps: GateDeps) {
    this.#deps = deps;
    this.#listeners = listeners;
    for (const listener of listeners) {
      // A program may say that it has sent all and still read.
      Object.assign(listener.server, { allowHalfOpen: true });
      listener.server.on('connection', (inside: Socket) => {
        void this.#carry(inside, listener);
      });
    }
  }

  close(): void {
    for (const { server } of this.#listeners) server.close();
    for (const socket of this.#open) socket.destroy();
  }

  async #carry(inside: Socket, { name, port }: Listener): Promise<void> {
    inside.on('error', ignore);
    if (this.#open.size >= connectionsMax) {
      inside.resetAndDestroy();
      return;
    }
    this.#keep(inside);
    try {
      const outside = await this.#reach(name, port);
      outside.on('error', ignore);
      join(inside, outside);
      if (inside.destroyed) outside.destroy();
    } catch (error) {
      inside.resetAndDestroy();
      const reason = error instanceof Error ? error.message : String(error);
      this.#deps.logger.info({ event: 'sandbox.host-not-reached', sandbox: this.#deps.sandbox, name, port, reason });
    }
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
    });
  }

  async #reach(name: string, port: number): Promise<Socket> {
    const { policy } = this.#deps;
    const addresses = await policy.lookup(name);
    const open = addresses.filter((address) => policy.isOpen(address)).slice(0, addressesTried);
    if (open.length === 0) throw new Error(`it leads to ${addresses.join(', ')}, which is not on the Internet`);
    let last: unknown = null;
    for (const address of open) {
      try {
        return await connectTo(address, port);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}

const ignore = (): void => {};

/** Answers connections on these listeners with ones to the hosts that they stand for. */
export const openGate = (listeners: readonly Listener[], deps: GateDeps): Gate => new HostGate(listeners, deps);
