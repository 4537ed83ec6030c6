import { type ConnectionOptions, findCoordinatorV6, metadataV12 } from '@platformatic/kafka';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { messagingErrors } from '../errors.ts';
import { Link } from './link.ts';
import { authorizationCodes, codeName } from './protocol-codes.ts';

type MetadataResponse = ReturnType<typeof metadataV12.parseResponse>;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One topic as the brokers describe it. */
export interface TopicInfo {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Node that leads each partition; -1 where none does now. */
  readonly leaders: readonly number[];
}

export interface ClusterOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly connection: ConnectionOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

const parseAddress = (text: string): Address => {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
};

/** Links of one owner, one per broker, opened when first used. */
export class Links {
  readonly #links = new Map<number, Link>();
  readonly #cluster: Cluster;
  readonly #name: string;

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster;
    this.#name = name;
  }

  to(node: number): Link {
    let link = this.#links.get(node);
    if (link === undefined) {
      link = this.#cluster.link(node, this.#name);
      this.#links.set(node, link);
    }
    return link;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map(async (link) => await link.close()));
  }
}

/** What is known of the brokers: their addresses, the topics' leaders, the coordinators. Asks again when told to. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #seeds: readonly Link[];
  readonly #addresses = new Map<number, Address>();
  readonly #topics = new Map<string, TopicInfo>();
  readonly #loading = new Map<string, Promise<TopicInfo>>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#seeds = options.brokers.map((broker) => {
      const address = parseAddress(broker);
      return new Link({ clientId: options.clientId, connection: options.connection, address: () => address });
    });
  }

  /** A new link to a node. Its owner closes it. */
  link(node: number, name: string): Link {
    return new Link({
      clientId: `${this.#options.clientId}/${name}`,
      connection: this.#options.connection,
      address: () => this.#addresses.get(node) ?? parseAddress(this.#options.brokers[0] ?? ''),
    });
  }

  links(name: string): Links {
    return new Links(this, name);
  }

  /** What is known of a topic already. */
  known(name: string): TopicInfo | undefined {
    return this.#topics.get(name);
  }

  knownById(id: string): TopicInfo | undefined {
    for (const topic of this.#topics.values()) if (topic.id === id) return topic;
    return undefined;
  }

  forget(name: string): void {
    this.#topics.delete(name);
  }

  /** What is known of a topic, asked for when unknown. See {@link refresh}. */
  async topic(name: string): Promise<TopicInfo> {
    return this.#topics.get(name) ?? (await this.refresh(name));
  }

  /**
   * Asks the brokers about a topic; concurrent calls share one request. Throws `MESSAGING_UNAVAILABLE` when no broker
   * answers or none knows the topic (yet), `MESSAGING_FORBIDDEN`.
   */
  async refresh(name: string): Promise<TopicInfo> {
    let loading = this.#loading.get(name);
    if (loading === undefined) {
      loading = this.#load(name).finally(() => this.#loading.delete(name));
      this.#loading.set(name, loading);
    }
    return await loading;
  }

  /** Any broker's answer about these topics; null asks for all, an empty list for the brokers alone. */
  async metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    return await this.any(async (link) => {
      const response = await link.call(metadataV12, topics === null ? null : [...topics], false, false);
      for (const broker of response.brokers) {
        this.#addresses.set(broker.nodeId, { host: broker.host, port: broker.port });
      }
      return response;
    });
  }

  /** Node that serves the controller's calls. */
  async controller(): Promise<number> {
    return (await this.metadata([])).controllerId;
  }

  /**
   * Node that coordinates a group or a transactional id. Throws `MESSAGING_UNAVAILABLE` while there is none,
   * `MESSAGING_FORBIDDEN`.
   */
  async coordinator(kind: 'group' | 'transaction', key: string): Promise<number> {
    const response = await this.any(
      async (link) => await link.call(findCoordinatorV6, kind === 'group' ? 0 : 1, [key]),
    );
    const [found] = response.coordinators;
    if (found === undefined || found.errorCode !== 0) {
      throw codeError(found?.errorCode ?? -1, `finding the coordinator of ${kind} ${key}`);
    }
    this.#addresses.set(found.nodeId, { host: found.host, port: found.port });
    return found.nodeId;
  }

  async close(): Promise<void> {
    await Promise.all(this.#seeds.map(async (link) => await link.close()));
  }

  /** Runs on the first of the configured brokers that answers. */
  async any<Result>(run: (link: Link) => Promise<Result>): Promise<Result> {
    let last: unknown;
    for (const link of this.#seeds) {
      try {
        return await run(link);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  async #load(name: string): Promise<TopicInfo> {
    const response = await this.metadata([name]);
    const found = response.topics.find((topic) => topic.name === name);
    if (found === undefined || found.errorCode !== 0) {
      throw codeError(found?.errorCode ?? 3, `reading the metadata of topic ${name}`);
    }
    const leaders = new Array<number>(found.partitions.length).fill(-1);
    for (const partition of found.partitions) leaders[partition.partitionIndex] = partition.leaderId;
    const topic: TopicInfo = { name, id: found.topicId.replaceAll('-', ''), leaders };
    this.#topics.set(name, topic);
    return topic;
  }
}

/** The error for a code of the broker that is not repaired by trying again here. */
export const codeError = (code: number, doing: string): Error => {
  const message = `The broker answered ${codeName(code)} when ${doing}.`;
  const details = { code: codeName(code) };
  return authorizationCodes.has(code)
    ? messagingErrors.FORBIDDEN({ message: `${message} Grant the platform's principal what it needs.`, details })
    : messagingErrors.UNAVAILABLE({ message, details });
};
