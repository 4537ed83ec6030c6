import { asPlatformError } from '../../kernel/errors.ts';
import { tellSink } from '../append.ts';
import { messagingErrors } from '../errors.ts';
import type {
  Appender,
  AppenderOptions,
  JoinOptions,
  Membership,
  Messaging,
  MessagingAdmin,
  OutRecord,
  OwnOptions,
  OwnReader,
  Place,
  Transactor,
  TransactorOptions,
} from '../messaging.ts';
import { MemoryAdmin } from './admin.ts';
import type { MemoryBroker } from './broker.ts';
import { MemoryMembership } from './membership.ts';
import { createMemoryNetwork, type MemoryNetwork, type MemoryNetworkOptions } from './network.ts';
import { MemoryProducer } from './producer.ts';
import { MemoryReader } from './reader.ts';
import { MemoryTransactor } from './transactor.ts';

export interface MemoryMessagingOptions {
  /** Shared by everything that is to see one log. */
  readonly broker: MemoryBroker;
  /** Delays and faults on the way to it. Default: none. */
  readonly network?: MemoryNetworkOptions;
}

/** A process's door to a log in memory. */
export interface MemoryMessaging extends Messaging {
  /** Ends the process as a kill does: nothing is answered any more, the broker finds out by its timeouts. */
  crash(): void;
}

interface Closable {
  close(): Promise<void>;
}

class MemoryMessagingClient implements MemoryMessaging {
  readonly admin: MessagingAdmin;
  readonly #broker: MemoryBroker;
  readonly #network: MemoryNetwork;
  readonly #opened = new Set<Closable>();
  readonly #memberships = new Set<MemoryMembership>();
  #closed = false;

  constructor(options: MemoryMessagingOptions) {
    this.#broker = options.broker;
    this.#network = createMemoryNetwork(options.broker.clock, options.network ?? {});
    this.admin = new MemoryAdmin(this.#broker, this.#network);
  }

  async appender(options: AppenderOptions): Promise<Appender> {
    this.#checkOpen();
    await this.#network.insist('admin', () => undefined);
    const producer = new MemoryProducer(this.#broker, this.#network, { transactionOf: () => null, held: false });
    let closed = false;
    const append = async (record: OutRecord): Promise<Place> => {
      if (closed) throw messagingErrors.CLOSED({ message: `The appender '${options.name}' is closed.` });
      return await producer.append(record);
    };
    return this.#keep({
      append,
      send: (record, sink) => {
        tellSink(append(record), record, sink);
      },
      close: async () => {
        closed = true;
        await producer.idle();
      },
    });
  }

  async transactor(options: TransactorOptions): Promise<Transactor> {
    this.#checkOpen();
    const id = options.transactionalId;
    const epoch = await this.#network.insist('init-transactions', () => this.#broker.transactions.init(id));
    return this.#keep(new MemoryTransactor(this.#broker, this.#network, { id, epoch }));
  }

  async join(options: JoinOptions): Promise<Membership> {
    this.#checkOpen();
    const membership = new MemoryMembership(this.#broker, this.#network, options);
    this.#memberships.add(this.#keep(membership));
    await membership.join();
    return membership;
  }

  async own(options: OwnOptions): Promise<OwnReader> {
    this.#checkOpen();
    const { topic, partition, isolation, from } = options;
    const log = await this.#network.insist('fetch', () => this.#broker.log(topic.name, partition));
    const positions = { start: 0, end: log.end(isolation) };
    const reader = new MemoryReader({
      log,
      isolation,
      clock: this.#broker.clock,
      network: this.#network,
      position: typeof from === 'bigint' ? Number(from) : positions[from],
      onRecords: async (records) => {
        await options.onRecords(records);
      },
      onPosition: (position) => options.onPosition?.(position),
      onFailed: (error) => {
        options.onFailed(asPlatformError(error));
      },
    });
    void reader.run();
    return this.#keep({
      get position() {
        return BigInt(reader.position);
      },
      close: async () => {
        reader.close();
        await Promise.resolve();
      },
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    // The last opened first: memberships drain before what they publish with is closed.
    for (const opened of [...this.#opened].reverse()) await opened.close();
  }

  crash(): void {
    this.#closed = true;
    this.#network.crash();
    for (const membership of this.#memberships) membership.crash();
  }

  #keep<T extends Closable>(opened: T): T {
    this.#opened.add(opened);
    return opened;
  }

  #checkOpen(): void {
    if (this.#closed) throw messagingErrors.CLOSED({ message: 'This connection to the log is closed.' });
  }
}

/** Makes a process's door to the log in memory. */
export const createMemoryMessaging = (options: MemoryMessagingOptions): MemoryMessaging =>
  new MemoryMessagingClient(options);
