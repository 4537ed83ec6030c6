import { createTopicsV7, describeConfigsV4 } from '@platformatic/kafka';
import { type Clock, sleep } from '../../kernel/clock.ts';
import type { Topic } from '../../kernel/topics.ts';
import { messagingErrors } from '../errors.ts';
import type { Grant, MessagingAdmin, TopicMismatch } from '../messaging.ts';
import { type Cluster, codeError, type Links } from './cluster.ts';
import { countTails } from './count-tails.ts';
import { Coordinator, fetchCommitted } from './group-calls.ts';
import { listOffsets } from './list-offsets.ts';
import { persist } from './persist.ts';
import { ensurePrincipal } from './principals.ts';
import { codes } from './protocol-codes.ts';

export interface AdminDeps {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly links: Links;
  readonly topicPrefix: string;
  readonly replicationFactor: number;
}

const callTimeoutMs = 30_000;
const topicResource = 2;
const maxMessageBytes = 1024 * 1024;
const retentionName = { delete: 'retention.ms', compact: 'delete.retention.ms' } as const;
const comparedKeys = ['cleanup.policy', 'retention.ms', 'delete.retention.ms', 'message.timestamp.type'];

/** The port's administration over the brokers' own calls. */
export class KafkaAdmin implements MessagingAdmin {
  readonly #deps: AdminDeps;

  constructor(deps: AdminDeps) {
    this.#deps = deps;
  }

  fullGroup(group: string): string {
    return this.#deps.topicPrefix + group;
  }

  fullName(topic: Topic): string {
    return this.#deps.topicPrefix + topic.name;
  }

  async ensureTopics(topics: readonly Topic[]): Promise<readonly TopicMismatch[]> {
    const existing = await this.#persist(async () => await this.#existing(topics));
    const missing = topics.filter((topic) => !existing.has(this.fullName(topic)));
    if (missing.length > 0) await this.#persist(async () => await this.#create(missing));
    const present = topics.filter((topic) => existing.has(this.fullName(topic)));
    return await this.#persist(async () => await this.#mismatches(present, existing));
  }

  async endOffsets(topic: Topic, isolation: 'committed' | 'uncommitted'): Promise<readonly bigint[]> {
    return await this.#offsets(topic, 'end', isolation);
  }

  async lag(group: string, topic: Topic): Promise<readonly bigint[]> {
    const [starts, ends, committed] = await Promise.all([
      this.#offsets(topic, 'start', 'uncommitted'),
      this.#offsets(topic, 'end', 'uncommitted'),
      this.committed(group, topic),
    ]);
    const tails = ends.map((end, partition) => {
      const start = starts[partition] ?? 0n;
      const from = committed[partition] ?? start;
      return { partition, from: from > start ? from : start, end };
    });
    const { cluster, links } = this.#deps;
    const name = this.fullName(topic);
    return await this.#persist(async () => await countTails({ cluster, links, topic: name }, tails));
  }

  async committed(groupName: string, topic: Topic): Promise<readonly (bigint | null)[]> {
    const { cluster, links } = this.#deps;
    const group = this.fullGroup(groupName);
    const coordinator = new Coordinator(cluster, links, 'group', group);
    const name = this.fullName(topic);
    return await this.#persist(async () => {
      const partitions = [...(await cluster.topic(name)).leaders.keys()];
      const found = await fetchCommitted(coordinator, { group, topic: name, partitions, stable: false });
      return found.map((each) => each?.offset ?? null);
    });
  }

  async ensurePrincipal(name: string, password: string, grants: readonly Grant[]): Promise<void> {
    const full = grants.map((grant) => ({ ...grant, name: this.#deps.topicPrefix + grant.name }));
    await this.#persist(async () => {
      await ensurePrincipal(await this.#controllerLink(), { name, password, grants: full });
    });
  }

  async ping(timeoutMs: number): Promise<void> {
    const { cluster, clock } = this.#deps;
    const answered = new AbortController();
    const limit = sleep(clock, timeoutMs, answered.signal).then(() => {
      if (!answered.signal.aborted)
        throw messagingErrors.UNAVAILABLE({ message: `No broker answered within ${timeoutMs} ms.` });
    });
    const patience = { clock, timeoutMs, signal: answered.signal };
    const asked = persist(patience, async () => await cluster.metadata([]));
    try {
      await Promise.race([asked, limit]);
    } finally {
      answered.abort();
      await Promise.allSettled([limit]);
      asked.catch(() => {});
    }
  }

  async #offsets(topic: Topic, at: 'start' | 'end', isolation: 'committed' | 'uncommitted'): Promise<bigint[]> {
    const { cluster, links } = this.#deps;
    const name = this.fullName(topic);
    return await this.#persist(async () => {
      const partitions = [...(await cluster.topic(name)).leaders.keys()];
      return await listOffsets({ cluster, links, topic: name, partitions, at, isolation });
    });
  }

  /** Number of partitions of those that exist. */
  async #existing(topics: readonly Topic[]): Promise<Map<string, number>> {
    const response = await this.#deps.cluster.metadata(topics.map((topic) => this.fullName(topic)));
    const found = new Map<string, number>();
    for (const topic of response.topics) {
      if (topic.errorCode === 0 && typeof topic.name === 'string') found.set(topic.name, topic.partitions.length);
      else if (topic.errorCode !== codes.unknownTopicOrPartition) {
        throw codeError(topic.errorCode, `looking for topic ${topic.name ?? ''}`);
      }
    }
    return found;
  }

  async #create(topics: readonly Topic[]): Promise<void> {
    const wanted = topics.map((topic) => ({
      name: this.fullName(topic),
      numPartitions: topic.partitions,
      replicationFactor: this.#deps.replicationFactor,
      assignments: [],
      configs: [
        { name: 'cleanup.policy', value: topic.cleanup },
        { name: retentionName[topic.cleanup], value: String(topic.retentionMs) },
        { name: 'message.timestamp.type', value: 'LogAppendTime' },
        { name: 'max.message.bytes', value: String(maxMessageBytes) },
      ],
    }));
    const link = await this.#controllerLink();
    const response = await link.call(createTopicsV7, wanted, 10_000, false);
    for (const topic of response.topics) {
      if (topic.errorCode === 0 || topic.errorCode === codes.topicAlreadyExists) continue;
      throw codeError(topic.errorCode, `creating topic ${topic.name} (${topic.errorMessage ?? 'no particulars'})`);
    }
    for (const { name } of wanted) await this.#persist(async () => await this.#led(name));
  }

  /** Throws until every partition of the topic has a leader. */
  async #led(name: string): Promise<void> {
    const topic = await this.#deps.cluster.refresh(name);
    if (topic.leaders.includes(-1)) throw codeError(codes.leaderNotAvailable, `creating topic ${name}`);
  }

  async #mismatches(topics: readonly Topic[], existing: ReadonlyMap<string, number>): Promise<TopicMismatch[]> {
    if (topics.length === 0) return [];
    const ask = topics.map((topic) => ({
      resourceType: topicResource,
      resourceName: this.fullName(topic),
      configurationKeys: comparedKeys,
    })) satisfies Parameters<typeof describeConfigsV4.createRequest>[0];
    const response = await this.#deps.cluster.any(
      async (link) => await link.call(describeConfigsV4, ask, false, false),
    );
    const configs = new Map(response.results.map((each) => [each.resourceName, each]));
    return topics.flatMap((topic) => {
      const found = configs.get(this.fullName(topic));
      if (found === undefined || found.errorCode !== 0) {
        throw codeError(found?.errorCode ?? -1, `reading the settings of topic ${this.fullName(topic)}`);
      }
      const actual = (key: string): string => found.configs.find((each) => each.name === key)?.value ?? '';
      const partitions = String(existing.get(this.fullName(topic)) ?? 0);
      const pairs = [
        ['partitions', String(topic.partitions), partitions],
        ['cleanup', topic.cleanup, actual('cleanup.policy')],
        ['retentionMs', String(topic.retentionMs), actual(retentionName[topic.cleanup])],
        ['timestampType', 'LogAppendTime', actual('message.timestamp.type')],
      ] as const;
      return pairs
        .filter(([, declared, is]) => declared !== is)
        .map(([property, declared, is]) => ({ topic: topic.name, property, declared, actual: is }));
    });
  }

  async #controllerLink(): Promise<ReturnType<Links['to']>> {
    return this.#deps.links.to(await this.#deps.cluster.controller());
  }

  async #persist<Result>(attempt: () => Promise<Result>): Promise<Result> {
    return await persist({ clock: this.#deps.clock, timeoutMs: callTimeoutMs, firstDelayMs: 5 }, attempt);
  }
}
