import { randomUUID } from 'node:crypto';
import { consumerGroupHeartbeatV1 } from '@platformatic/kafka';
import { type Clock, sleep } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { messagingErrors } from '../errors.ts';
import type { Assignment, JoinOptions, Membership, PartitionOffset } from '../messaging.ts';
import { asError, isUnavailable } from './append-errors.ts';
import { KafkaAssignment } from './assignment.ts';
import { AssignmentSource, type AssignmentSourceDeps, keyOf, partsOf } from './assignment-source.ts';
import { codeError } from './cluster.ts';
import type { Fetcher } from './fetcher.ts';
import { Coordinator, commitError, commitOffsets, type TopicOffsets } from './group-calls.ts';
import { persist } from './persist.ts';
import { authorizationCodes, codes } from './protocol-codes.ts';

export interface MembershipDeps extends AssignmentSourceDeps {
  readonly logger: Logger;
  readonly fetcher: Fetcher;
  readonly onClosed: (membership: KafkaMembership) => void;
}

const heartbeatMaxMs = 500;
const eagerMs = 50;
const eagerForMs = 2_000;
const joinTimeoutMs = 30_000;
const commitTimeoutMs = 30_000;
const drainDefaultMs = 20_000;
/** The broker waits a little longer for a drain than we do. */
const rebalanceGraceMs = 5_000;
const leaving = -1;
/** The brokers' assignors. The uniform one gives a first member all of one topic when that is its part of the whole. */
const assignors = { all: 'uniform', each: 'range' } as const;
const fatalCodes = new Set([24, 35, 42, 81, 112]);

type Owned = Map<string, KafkaAssignment>;

/** A member of a consumer group by the protocol of KIP-848, with awaited drains; see the port for the promises. */
export class KafkaMembership implements Membership {
  readonly group: string;
  readonly #options: JoinOptions;
  readonly #deps: MembershipDeps;
  readonly #coordinator: Coordinator;
  readonly #source: AssignmentSource;
  readonly #owned: Owned = new Map();
  readonly #stopped = new AbortController();
  readonly #releases = new Set<Promise<void>>();
  #target: ReadonlySet<string> = new Set();
  #memberId = randomUUID();
  #epoch = 0;
  #joinedAtMs = 0;
  #intervalMs = heartbeatMaxMs;
  #wake: (() => void) | null = null;
  #wakeful = false;
  #loop: Promise<void> | null = null;
  #commits: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(options: JoinOptions, deps: MembershipDeps) {
    this.group = options.group;
    this.#options = options;
    this.#deps = deps;
    this.#coordinator = new Coordinator(deps.cluster, deps.links, 'group', options.group);
    this.#source = new AssignmentSource(options, deps, this.#coordinator);
  }

  get memberId(): string {
    return this.#memberId;
  }

  /** As which member offsets are committed in a transaction. */
  get memberEpoch(): number {
    return this.#epoch;
  }

  get coordinator(): Coordinator {
    return this.#coordinator;
  }

  get assignments(): readonly Assignment[] {
    return [...this.#owned.values()];
  }

  /** Joins: the broker knows the member when it resolves. */
  async start(): Promise<void> {
    const { clock } = this.#deps;
    await persist({ clock, timeoutMs: joinTimeoutMs }, async () => {
      for (const topic of this.#options.topics) await this.#deps.cluster.topic(this.#deps.fullName(topic.name));
      await this.#beat();
    });
    this.#loop = this.#run();
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    // One at a time, so that a repeated older commit never overwrites a newer one.
    const turn = this.#commits.then(async () => {
      await this.#commit(offsets);
    });
    this.#commits = turn.catch(() => {});
    await turn;
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** The offsets as the protocol writes them. Throws `MESSAGING_ASSIGNMENT_ENDED`. */
  toTopics(offsets: readonly PartitionOffset[]): TopicOffsets[] {
    const topics = new Map<string, TopicOffsets>();
    for (const { assignment, offset, metadata } of offsets) {
      const own = this.#own(assignment);
      let topic = topics.get(own.fullName);
      if (topic === undefined) topics.set(own.fullName, (topic = { name: own.fullName, partitions: [] }));
      topic.partitions.push({
        partitionIndex: own.partition,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      });
    }
    return [...topics.values()];
  }

  /** Runs a commit for these assignments; none of them is released meanwhile. */
  async holding(offsets: readonly PartitionOffset[], run: () => Promise<void>): Promise<void> {
    const held = offsets.map((each) => this.#own(each.assignment));
    for (const assignment of held) assignment.hold();
    try {
      await run();
    } finally {
      for (const assignment of held) assignment.unhold();
    }
  }

  #own(assignment: Assignment): KafkaAssignment {
    if (!(assignment instanceof KafkaAssignment) || assignment.state === 'ended') throw ended(assignment);
    return assignment;
  }

  async #commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const { clock } = this.#deps;
    await this.holding(offsets, async () => {
      await persist({ clock, timeoutMs: commitTimeoutMs }, async () => {
        const topics = this.toTopics(offsets);
        const as = { group: this.group, memberId: this.#memberId, memberEpoch: this.#epoch };
        const code = await commitOffsets(this.#coordinator, as, topics);
        if (code === 0) return;
        this.#soon();
        // The epoch is about to change, or all is lost: the next heartbeat tells.
        if (code === codes.staleMemberEpoch || code === codes.unknownMemberId || code === codes.fencedMemberEpoch) {
          throw codeError(code, `committing offsets of group ${this.group}`);
        }
        throw commitError(code, this.group);
      });
    });
  }

  /** Heartbeats until the membership ends. Never rejects. */
  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isStopped()) {
      const error = await this.#beat().then(() => null, asError);
      if (error !== null && !isUnavailable(error)) {
        this.#fail(error);
        return;
      }
      failures = error === null ? 0 : failures + 1;
      if (error !== null && failures === 1) this.#silent(error);
      if (this.#wakeful) this.#wakeful = false;
      else await this.#rest(this.#deps.clock, failures === 0 ? this.#intervalMs : Math.min(500, 20 * 2 ** failures));
    }
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  #silent(error: Error): void {
    this.#deps.logger.warn({ event: 'group.coordinator.silent', group: this.group, reason: error.message });
  }

  async #rest(clock: Clock, delayMs: number): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => {
      waking.abort();
    };
    await sleep(clock, delayMs, waking.signal);
    this.#wake = null;
  }

  /** Has the next heartbeat sent at once. */
  #soon(): void {
    if (this.#wake === null) this.#wakeful = true;
    else this.#wake();
  }

  async #beat(): Promise<void> {
    const { fullName, clock } = this.#deps;
    if (this.#epoch === 0) this.#joinedAtMs = clock.monotonicMs();
    const names = this.#options.topics.map((topic) => fullName(topic.name));
    const response = await this.#heartbeat(this.#epoch, names);
    const code = response.errorCode;
    if (code === codes.unknownMemberId || code === codes.fencedMemberEpoch) {
      this.#loseAll();
      this.#memberId = randomUUID();
      this.#epoch = 0;
      this.#soon();
      return;
    }
    const doing = `sending a heartbeat to group ${this.group}`;
    this.#coordinator.retryOn(code, doing);
    if (authorizationCodes.has(code)) throw codeError(code, doing);
    if (fatalCodes.has(code)) throw new Error(response.errorMessage ?? codeError(code, doing).message);
    if (code !== 0) throw codeError(code, doing);
    this.#epoch = response.memberEpoch;
    // Right after joining, the coordinator may not have seen a new topic yet.
    const fresh = this.#target.size === 0 && clock.monotonicMs() - this.#joinedAtMs < eagerForMs;
    this.#intervalMs = fresh ? eagerMs : Math.min(heartbeatMaxMs, response.heartbeatIntervalMs);
    // What was released by closing is offered again, until the broker hears that we leave.
    if (response.assignment !== null && !this.#isEnding()) {
      const parts = response.assignment.topicPartitions;
      this.#target = new Set(parts.flatMap((part) => part.partitions.map((each) => keyOf(part.topicId, each))));
    }
    await this.#reconcile();
  }

  async #heartbeat(epoch: number, names: string[]): Promise<ReturnType<typeof consumerGroupHeartbeatV1.parseResponse>> {
    const owned = new Map<string, number[]>();
    for (const key of this.#owned.keys()) {
      const [topicId, partition] = partsOf(key);
      owned.set(topicId, [...(owned.get(topicId) ?? []), partition]);
    }
    const held = [...owned].map(([topicId, partitions]) => ({ topicId, partitions }));
    const drainMs = (this.#options.drainMs ?? drainDefaultMs) + rebalanceGraceMs;
    const { group } = this;
    const assignor = assignors[this.#options.balance ?? 'all'];
    return await this.#coordinator.call(
      async (link) =>
        await link.call(
          consumerGroupHeartbeatV1,
          ...([group, this.#memberId, epoch, null, null, drainMs, names, null, assignor, held] as const),
        ),
    );
  }

  /** Takes what the broker assigned and drains what it wants back. */
  async #reconcile(): Promise<void> {
    const taken: [string, KafkaAssignment][] = [];
    for (const key of this.#target) {
      if (this.#owned.has(key) || this.#isEnding()) continue;
      const assignment = await this.#source.make(key, (error) => {
        this.#fail(error);
      });
      if (assignment !== null) taken.push([key, assignment]);
    }
    // A close that began meanwhile does not wait for what it never saw.
    if (this.#isEnding()) taken.length = 0;
    for (const [key, assignment] of taken) this.#owned.set(key, assignment);
    for (const [key, assignment] of this.#owned) {
      if (!this.#target.has(key) && assignment.state === 'owned') this.#startRelease(key, assignment);
    }
    if (taken.length > 0) void this.#begin(taken.map(([, assignment]) => assignment));
  }

  #isEnding(): boolean {
    return this.#closing !== null || this.#stopped.signal.aborted;
  }

  /** Finds where each new assignment starts and starts it. Never rejects. */
  async #begin(assignments: readonly KafkaAssignment[]): Promise<void> {
    const byTopic = Map.groupBy(assignments, (assignment) => assignment.fullName);
    const { fetcher, clock } = this.#deps;
    const { signal } = this.#stopped;
    try {
      await Promise.all(
        [...byTopic].map(async ([fullName, group]) => {
          const partitions = group.map((assignment) => assignment.partition);
          const starts = await persist(
            { clock, timeoutMs: Infinity, signal, firstDelayMs: 3 },
            async () => await this.#source.starts(fullName, partitions),
          );
          await Promise.all(
            group.map(async (assignment, index) => {
              const start = starts[index];
              if (start !== undefined) await assignment.begin(fetcher, start.committed, start.offset);
            }),
          );
        }),
      );
    } catch (error) {
      if (!signal.aborted) this.#fail(asError(error));
    }
  }

  #startRelease(key: string, assignment: KafkaAssignment): void {
    const release = this.#release(key, assignment).finally(() => this.#releases.delete(release));
    this.#releases.add(release);
  }

  /** Drains one assignment, then gives it back. Never rejects. */
  async #release(key: string, assignment: KafkaAssignment): Promise<void> {
    const { clock, logger } = this.#deps;
    assignment.drain();
    const expired = new AbortController();
    const limit = sleep(clock, this.#options.drainMs ?? drainDefaultMs, expired.signal).then(() => 'late' as const);
    let outcome: 'drained' | 'late' | 'failed';
    try {
      const drained = this.#drain(assignment).then(() => 'drained' as const);
      outcome = await Promise.race([drained, limit]);
    } catch (error) {
      outcome = 'failed';
      const particulars = { group: this.group, topic: assignment.topic, partition: assignment.partition };
      logger.warn({ event: 'group.drain.failed', ...particulars, reason: asError(error).message });
    }
    expired.abort();
    if (this.#owned.get(key) !== assignment) return;
    await assignment.unheld();
    assignment.end();
    this.#owned.delete(key);
    if (outcome !== 'drained' && assignment.announced) this.#options.onLost(assignment);
    this.#soon();
  }

  /** What the owner was never told of needs no drain. */
  async #drain(assignment: KafkaAssignment): Promise<void> {
    await assignment.told();
    if (assignment.announced && assignment.state === 'draining') await this.#options.onRevoked(assignment);
  }

  #loseAll(): void {
    const lost = [...this.#owned.values()];
    this.#owned.clear();
    this.#target = new Set();
    for (const assignment of lost) assignment.end();
    if (lost.length > 0)
      this.#deps.logger.warn({ event: 'group.member.lost', group: this.group, partitions: lost.length });
    for (const assignment of lost) if (assignment.announced) this.#options.onLost(assignment);
  }

  /** The member cannot go on: others take over at once. */
  #fail(error: Error): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#wake?.();
    this.#loseAll();
    this.#closing ??= this.#leave();
    this.#options.onFailed(error);
  }

  async #close(): Promise<void> {
    this.#target = new Set();
    for (const [key, assignment] of this.#owned) {
      if (assignment.state === 'owned') this.#startRelease(key, assignment);
    }
    await Promise.all(this.#releases);
    this.#stopped.abort();
    this.#wake?.();
    await this.#loop;
    this.#loseAll();
    await this.#leave();
  }

  /** Tells the broker, if it answers, and closes the connections. Never rejects. */
  async #leave(): Promise<void> {
    try {
      await this.#heartbeat(leaving, []);
    } catch (error) {
      this.#deps.logger.debug({ event: 'group.leave.unheard', group: this.group, reason: asError(error).message });
    }
    await this.#deps.fetcher.close();
    await this.#deps.links.close();
    this.#deps.onClosed(this);
  }
}

const ended = (assignment: Assignment): Error =>
  messagingErrors.ASSIGNMENT_ENDED({
    message: `Partition ${assignment.partition} of ${assignment.topic} is another member's now. Drop the work that was done for it.`,
  });
