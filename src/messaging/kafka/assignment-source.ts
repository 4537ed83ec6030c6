import type { Clock } from '../../kernel/clock.ts';
import type { Topic } from '../../kernel/topics.ts';
import type { JoinOptions } from '../messaging.ts';
import { KafkaAssignment } from './assignment.ts';
import type { Cluster, Links } from './cluster.ts';
import { fetchByOffset } from './fetch-by-offset.ts';
import { type CommittedOffset, type Coordinator, fetchCommitted } from './group-calls.ts';
import type { HeaderNames } from './header-names.ts';
import { listOffsets } from './list-offsets.ts';
import { persist } from './persist.ts';

export interface AssignmentSourceDeps {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly links: Links;
  readonly names: HeaderNames;
  readonly fullName: (topic: string) => string;
  readonly nextGeneration: () => number;
}

/** Where a new assignment starts. */
export interface Start {
  readonly committed: CommittedOffset | null;
  readonly offset: bigint;
}

/** A partition as the group protocol names it: the topic by its id. */
export const keyOf = (topicId: string, partition: number): string => `${topicId.replaceAll('-', '')}/${partition}`;

export const partsOf = (key: string): [topicId: string, partition: number] => {
  const [topicId = '', partition = ''] = key.split('/');
  return [topicId, Number(partition)];
};

const readTimeoutMs = 30_000;

/** Makes assignments of what the broker assigns and finds where they start. */
export class AssignmentSource {
  readonly #options: JoinOptions;
  readonly #deps: AssignmentSourceDeps;
  readonly #coordinator: Coordinator;
  readonly #topics = new Map<string, Topic>();

  constructor(options: JoinOptions, deps: AssignmentSourceDeps, coordinator: Coordinator) {
    this.#options = options;
    this.#deps = deps;
    this.#coordinator = coordinator;
  }

  /** The assignment for a key; null while its topic is unknown here. Throws `MESSAGING_UNAVAILABLE`. */
  async make(key: string, failed: (error: Error) => void): Promise<KafkaAssignment | null> {
    const [topicId, partition] = partsOf(key);
    const topic = await this.#topicOf(topicId);
    if (topic === null) return null;
    const fullName = this.#deps.fullName(topic.name);
    const { links, cluster, names, clock } = this.#deps;
    const isolation = this.#options.isolation ?? 'committed';
    const place = { cluster, links, names, isolation, topic: topic.name, fullName, partition };
    const patience = { clock, timeoutMs: readTimeoutMs, firstDelayMs: 3 };
    const question = { group: this.#options.group, topic: fullName, partitions: [partition], stable: true };
    return new KafkaAssignment({
      topic: topic.name,
      fullName,
      partition,
      generation: this.#deps.nextGeneration(),
      join: this.#options,
      fetch: async (offsets) => await persist(patience, async () => await fetchByOffset(place, offsets)),
      readCommitted: async () => {
        const [committed] = await persist(patience, async () => await fetchCommitted(this.#coordinator, question));
        return committed ?? null;
      },
      failed,
    });
  }

  /** What the group committed for these partitions, else their edge; one attempt. Throws `MESSAGING_UNAVAILABLE`. */
  async starts(fullName: string, partitions: readonly number[]): Promise<Start[]> {
    const { cluster, links } = this.#deps;
    const question = { group: this.#options.group, topic: fullName, partitions, stable: true };
    const committed = await fetchCommitted(this.#coordinator, question);
    const missing = partitions.filter((_, index) => committed[index] === null);
    const at = this.#options.from === 'latest' ? 'end' : 'start';
    const isolation = this.#options.isolation ?? 'committed';
    const ask = { cluster, links, topic: fullName, partitions: missing, at, isolation } as const;
    const edges = missing.length > 0 ? await listOffsets(ask) : [];
    return partitions.map((partition, index) => {
      const own = committed[index] ?? null;
      return { committed: own, offset: own?.offset ?? edges[missing.indexOf(partition)] ?? 0n };
    });
  }

  async #topicOf(topicId: string): Promise<Topic | null> {
    const known = this.#topics.get(topicId);
    if (known !== undefined) return known;
    for (const topic of this.#options.topics) {
      const info = await this.#deps.cluster.refresh(this.#deps.fullName(topic.name));
      this.#topics.set(info.id, topic);
    }
    return this.#topics.get(topicId) ?? null;
  }
}
