import type { Topic } from '../../kernel/topics.ts';
import type { Grant, MessagingAdmin, TopicMismatch } from '../messaging.ts';
import type { MemoryBroker } from './broker.ts';
import type { Isolation } from './log.ts';
import type { MemoryNetwork } from './network.ts';

/** Administration of a log in memory. Names carry no prefix; principals are kept and not enforced. */
export class MemoryAdmin implements MessagingAdmin {
  readonly #broker: MemoryBroker;
  readonly #network: MemoryNetwork;

  constructor(broker: MemoryBroker, network: MemoryNetwork) {
    this.#broker = broker;
    this.#network = network;
  }

  async ensureTopics(topics: readonly Topic[]): Promise<readonly TopicMismatch[]> {
    return await this.#network.call('admin', () => topics.flatMap((topic) => this.#broker.ensureTopic(topic)));
  }

  async endOffsets(topic: Topic, isolation: Isolation): Promise<readonly bigint[]> {
    return await this.#network.call('admin', () =>
      this.#broker.logs(topic.name).map((log) => BigInt(log.end(isolation))),
    );
  }

  async lag(group: string, topic: Topic): Promise<readonly bigint[]> {
    return await this.#network.call('admin', () =>
      this.#broker.logs(topic.name).map((log) => {
        const from = Number(this.#broker.group(group).committed(log)?.offset ?? 0n);
        const { records, next } = log.read(from, 'committed', Number.POSITIVE_INFINITY);
        return BigInt(records.length + log.end('uncommitted') - next);
      }),
    );
  }

  async committed(group: string, topic: Topic): Promise<readonly (bigint | null)[]> {
    return await this.#network.call('admin', () =>
      this.#broker.logs(topic.name).map((log) => this.#broker.group(group).committed(log)?.offset ?? null),
    );
  }

  async ensurePrincipal(name: string, password: string, grants: readonly Grant[]): Promise<void> {
    await this.#network.call('admin', () => this.#broker.principals.set(name, { password, grants }));
  }

  fullGroup(group: string): string {
    return group;
  }

  fullName(topic: Topic): string {
    return topic.name;
  }

  async ping(): Promise<void> {
    await this.#network.call('admin', () => undefined);
  }
}
