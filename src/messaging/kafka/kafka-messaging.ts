import type { ConnectionOptions } from '@platformatic/kafka';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { messagingErrors } from '../errors.ts';
import type {
  Appender,
  AppenderOptions,
  JoinOptions,
  Membership,
  Messaging,
  MessagingAdmin,
  OwnOptions,
  OwnReader,
  Transactor,
  TransactorOptions,
} from '../messaging.ts';
import { KafkaAdmin } from './admin.ts';
import { Cluster, type Links } from './cluster.ts';
import { type Crc32c, createCrc32c } from './crc32c.ts';
import { Fetcher } from './fetcher.ts';
import { HeaderNames } from './header-names.ts';
import { createIdempotentSession } from './idempotent-session.ts';
import { KafkaAppender } from './kafka-appender.ts';
import { listOffsets } from './list-offsets.ts';
import { KafkaMembership } from './membership.ts';
import { KafkaOwnReader } from './own-reader.ts';
import { persist } from './persist.ts';
import { Producer, type ProducerSession } from './producer.ts';
import { TransactionSession } from './transaction-session.ts';
import { KafkaTransactor, type Side } from './transactor.ts';

export interface KafkaMessagingOptions {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  };
  /** True trusts the system's authorities; `ca` is PEM text. */
  readonly tls?: { readonly ca?: string } | boolean;
  /** Appears in the brokers' logs. */
  readonly clientId: string;
  /** Stands before the name of every topic, group and transactional id. */
  readonly topicPrefix: string;
  readonly replicationFactor: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A record not acknowledged after this long is given up. Default 30,000. */
  readonly deliveryTimeoutMs?: number;
  /** The broker aborts a transaction that is open for longer. Default 5,000. */
  readonly transactionTimeoutMs?: number;
}

const startTimeoutMs = 30_000;
const connectTimeoutMs = 5_000;
const requestTimeoutMs = 15_000;
const inFlightMax = 64;
/** Behind the transactional id of a transactor's second producer. */
const secondSide = '~2';

interface Closable {
  close(): Promise<void>;
}

/**
 * The driver of the port for Apache Kafka 4. Resolves when a broker answered; throws `MESSAGING_UNAVAILABLE` when none
 * does within half a minute. Brokers may go away later for any time: everything goes on when they are back.
 */
export const createKafkaMessaging = async (options: KafkaMessagingOptions): Promise<Messaging> => {
  const messaging = new KafkaMessaging(options);
  try {
    await messaging.admin.ping(startTimeoutMs);
  } catch (error) {
    await messaging.close();
    throw error;
  }
  return messaging;
};

const connectionOptions = (options: KafkaMessagingOptions): ConnectionOptions => {
  const { sasl, tls } = options;
  const ca = typeof tls === 'object' && tls.ca !== undefined ? { ca: tls.ca } : {};
  return {
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    maxInflights: inFlightMax,
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === undefined || tls === false ? {} : { tls: ca, tlsServerName: true }),
  };
};

class KafkaMessaging implements Messaging {
  readonly admin: MessagingAdmin;
  readonly #options: KafkaMessagingOptions;
  readonly #cluster: Cluster;
  readonly #adminLinks: Links;
  readonly #crc32c: Crc32c;
  readonly #names = new HeaderNames();
  readonly #opened = new Set<Closable>();
  #generations = 0;
  #closing: Promise<void> | null = null;

  constructor(options: KafkaMessagingOptions) {
    const { brokers, clientId, clock, logger, topicPrefix, replicationFactor } = options;
    this.#options = options;
    this.#cluster = new Cluster({ brokers, clientId, clock, logger, connection: connectionOptions(options) });
    this.#adminLinks = this.#cluster.links('admin');
    this.#crc32c = createCrc32c();
    this.admin = new KafkaAdmin({
      cluster: this.#cluster,
      clock,
      links: this.#adminLinks,
      topicPrefix,
      replicationFactor,
    });
  }

  async appender({ name }: AppenderOptions): Promise<Appender> {
    this.#mustBeOpen();
    const links = this.#cluster.links(name);
    const producer = this.#producer(links, createIdempotentSession(this.#cluster));
    return await Promise.resolve(this.#keep(new KafkaAppender(producer, links, this.#forget)));
  }

  async transactor(options: TransactorOptions): Promise<Transactor> {
    this.#mustBeOpen();
    const transactionalId = this.#fullName(options.transactionalId);
    const { clock, logger, transactionTimeoutMs = 5_000 } = this.#options;
    const links = this.#cluster.links(transactionalId);
    const session = (id: string): TransactionSession =>
      new TransactionSession({
        cluster: this.#cluster,
        clock,
        logger,
        links,
        transactionalId: id,
        transactionTimeoutMs,
      });
    const sessions = [session(transactionalId), session(`${transactionalId}${secondSide}`)] as const;
    try {
      await Promise.all(sessions.map(async (each) => await each.start()));
    } catch (error) {
      await links.close();
      throw error;
    }
    const side = (each: TransactionSession): Side => ({ producer: this.#producer(links, each), session: each });
    const sides = [side(sessions[0]), side(sessions[1])] as const;
    return this.#keep(new KafkaTransactor({ sides, links, clock, onClosed: this.#forget }));
  }

  async join(given: JoinOptions): Promise<Membership> {
    this.#mustBeOpen();
    const options = { ...given, group: this.#fullName(given.group) };
    const membership = new KafkaMembership(options, {
      cluster: this.#cluster,
      clock: this.#options.clock,
      logger: this.#options.logger,
      links: this.#cluster.links(options.group),
      fetcher: this.#fetcher(options.group, options.isolation ?? 'committed'),
      names: this.#names,
      fullName: this.#fullName,
      nextGeneration: () => (this.#generations += 1),
      onClosed: this.#forget,
    });
    this.#keep(membership);
    try {
      await membership.start();
    } catch (error) {
      await membership.close();
      throw error;
    }
    return membership;
  }

  async own(options: OwnOptions): Promise<OwnReader> {
    this.#mustBeOpen();
    const fetcher = this.#fetcher(`own/${options.topic.name}`, options.isolation);
    try {
      const position = await this.#startOf(options);
      const start = { fetcher, position };
      return this.#keep(new KafkaOwnReader(options, this.#fullName(options.topic.name), start, this.#forget));
    } catch (error) {
      await fetcher.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    // Memberships first: their drains still append and commit.
    const memberships = [...this.#opened].filter((each) => each instanceof KafkaMembership);
    await Promise.all(memberships.map(async (each) => await each.close()));
    await Promise.all([...this.#opened].map(async (each) => await each.close()));
    await Promise.all([this.#adminLinks.close(), this.#cluster.close()]);
  }

  async #startOf({ topic, partition, from, isolation }: OwnOptions): Promise<bigint> {
    if (typeof from === 'bigint') return from;
    const { clock } = this.#options;
    const place = { cluster: this.#cluster, links: this.#adminLinks, partitions: [partition], isolation };
    const ask = { ...place, topic: this.#fullName(topic.name), at: from };
    const [offset = 0n] = await persist({ clock, timeoutMs: startTimeoutMs }, async () => await listOffsets(ask));
    return offset;
  }

  #producer(links: Links, session: ProducerSession): Producer {
    const { clock, logger, deliveryTimeoutMs = 30_000 } = this.#options;
    const parts = { cluster: this.#cluster, clock, logger, links, session, crc32c: this.#crc32c };
    return new Producer({ ...parts, fullName: this.#fullName, deliveryTimeoutMs });
  }

  #fetcher(name: string, isolation: 'committed' | 'uncommitted'): Fetcher {
    const { clock, logger } = this.#options;
    return new Fetcher({ cluster: this.#cluster, clock, logger, name, isolation, names: this.#names });
  }

  readonly #fullName = (name: string): string => this.#options.topicPrefix + name;

  readonly #forget = (closable: Closable): void => {
    this.#opened.delete(closable);
  };

  #keep<Opened extends Closable>(opened: Opened): Opened {
    this.#opened.add(opened);
    return opened;
  }

  #mustBeOpen(): void {
    if (this.#closing !== null) throw messagingErrors.CLOSED({ message: 'This client of the log was closed.' });
  }
}
