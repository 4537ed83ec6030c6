import { asPlatformError } from '../../kernel/errors.ts';
import { messagingErrors } from '../errors.ts';
import type { Assignment, JoinOptions, Membership, PartitionOffset } from '../messaging.ts';
import { MemoryAssignment } from './assignment.ts';
import type { MemoryBroker } from './broker.ts';
import type { CommittedOffset, MemoryGroup } from './group.ts';
import type { MemoryLog } from './log.ts';
import type { MemoryNetwork } from './network.ts';
import { MemoryReader } from './reader.ts';

const drainDefaultMs = 20_000;

/** What the member knows of a partition that the broker gave it. */
interface Held {
  readonly log: MemoryLog;
  /** Null until the committed offset is known. */
  assignment: MemoryAssignment | null;
  /** The drain, once it began. */
  revoked: Promise<void> | null;
  /** The broker took it away, or forgot the member. */
  gone: boolean;
}

/** A member of a group. It joins again by itself after the broker forgot it. */
export class MemoryMembership implements Membership {
  readonly group: string;
  readonly #broker: MemoryBroker;
  readonly #network: MemoryNetwork;
  readonly #options: JoinOptions;
  readonly #group: MemoryGroup;
  readonly #held = new Map<MemoryLog, Held>();
  #memberId = '';
  #joining: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(broker: MemoryBroker, network: MemoryNetwork, options: JoinOptions) {
    this.group = options.group;
    this.#broker = broker;
    this.#network = network;
    this.#options = options;
    this.#group = broker.group(options.group);
  }

  get memberId(): string {
    return this.#memberId;
  }

  get assignments(): readonly Assignment[] {
    return [...this.#held.values()].map((held) => held.assignment).filter((assignment) => assignment !== null);
  }

  /** Makes the broker know the member, under a fresh id. */
  async join(): Promise<void> {
    this.#joining = this.#join();
    await this.#joining;
  }

  async #join(): Promise<void> {
    const id = `${this.group}-${this.#broker.nextNumber()}`;
    this.#memberId = id;
    await this.#network.insist('group', () => {
      // A repeated request may come when this id was given up already.
      if (this.#memberId !== id || this.#group.has(id)) return;
      this.#group.join({
        id,
        topics: new Set(this.#options.topics.map((topic) => topic.name)),
        assign: (log) => {
          this.#tell(id, () => void this.#begin(log));
        },
        revoke: (log) => {
          this.#tell(id, () => void this.#revoke(log));
        },
        expelled: () => {
          this.#tell(id, () => void this.#rejoin());
        },
      });
    });
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const memberId = this.#memberId;
    const refuse = () =>
      messagingErrors.ASSIGNMENT_ENDED({
        message: `Offsets of group '${this.group}' cannot be committed: the partition was released or lost.`,
      });
    if (offsets.some(({ assignment }) => assignment.state === 'ended')) throw refuse();
    await this.#network.call('commit', () => {
      if (!this.#group.has(memberId)) throw refuse();
      for (const { assignment, offset, metadata } of offsets) {
        const log = this.#broker.log(assignment.topic, assignment.partition);
        this.#group.apply(this.#group.record(log, { offset, metadata }));
      }
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#leave();
    await this.#closing;
  }

  /** The process died: the broker forgets the member when its session is over. */
  crash(): void {
    for (const held of this.#held.values()) held.assignment?.stop('ended');
    this.#broker.clock.after(this.#broker.sessionMs, () => {
      this.#group.expel(this.#memberId);
    });
  }

  #tell(id: string, run: () => void): void {
    this.#network.notify(() => {
      if (this.#memberId === id && this.#closing === null) run();
    });
  }

  async #leave(): Promise<void> {
    await Promise.all([...this.#held.values()].map(async (held) => await (held.revoked ?? this.#drain(held))));
    // Requests overtake one another: a leave that arrived before its join would be for nothing.
    await this.#joining;
    await this.#network.insist('group', () => {
      this.#group.leave(this.#memberId);
    });
    this.#held.clear();
  }

  async #begin(log: MemoryLog): Promise<void> {
    const held: Held = { log, assignment: null, revoked: null, gone: false };
    this.#held.set(log, held);
    const committed = await this.#readCommitted(log);
    if (held.gone || this.#closing !== null) return;
    const assignment = this.#newAssignment(log, committed);
    held.assignment = assignment;
    try {
      await this.#options.onAssigned(assignment);
      assignment.read();
    } catch (error) {
      this.#fail(error);
    }
  }

  #newAssignment(log: MemoryLog, committed: CommittedOffset | null): MemoryAssignment {
    const isolation = this.#options.isolation ?? 'committed';
    const start = this.#options.from === 'latest' ? log.end(isolation) : 0;
    const reader = new MemoryReader({
      log,
      isolation,
      clock: this.#broker.clock,
      network: this.#network,
      position: committed === null ? start : Number(committed.offset),
      onRecords: async (records) => {
        await this.#options.onRecords(assignment, records);
      },
      onFailed: (error) => {
        this.#fail(error);
      },
    });
    const assignment = new MemoryAssignment({
      topic: log.topic,
      partition: log.partition,
      generation: this.#broker.nextNumber(),
      committed,
      reader,
      readCommitted: async () => await this.#readCommitted(log),
      fetch: async (offsets) => await this.#network.insist('fetch', () => log.at(offsets, isolation)),
    });
    return assignment;
  }

  async #readCommitted(log: MemoryLog): Promise<CommittedOffset | null> {
    return await this.#network.insist('group', () => this.#group.committed(log));
  }

  async #revoke(log: MemoryLog): Promise<void> {
    const held = this.#held.get(log);
    if (held === undefined) return;
    const memberId = this.#memberId;
    await this.#drain(held);
    if (this.#closing !== null) return;
    await this.#network.insist('group', () => {
      this.#group.release(memberId, log);
    });
  }

  async #drain(held: Held): Promise<void> {
    held.revoked ??= this.#drainOnce(held);
    await held.revoked;
  }

  async #drainOnce(held: Held): Promise<void> {
    const { assignment } = held;
    if (assignment !== null && assignment.state === 'owned') {
      const memberId = this.#memberId;
      const cancel = this.#broker.clock.after(this.#options.drainMs ?? drainDefaultMs, () => {
        this.#group.expel(memberId);
      });
      assignment.stop('draining');
      try {
        await this.#options.onRevoked(assignment);
      } catch (error) {
        this.#fail(error);
      }
      cancel();
      assignment.stop('ended');
    }
    held.gone = true;
    if (this.#held.get(held.log) === held) this.#held.delete(held.log);
  }

  async #rejoin(): Promise<void> {
    const lost = [...this.#held.values()];
    this.#held.clear();
    for (const held of lost) {
      held.gone = true;
      if (held.assignment === null) continue;
      held.assignment.stop('ended');
      this.#options.onLost(held.assignment);
    }
    await this.join();
  }

  #fail(error: unknown): void {
    this.#options.onFailed(asPlatformError(error));
    void this.close();
  }
}
