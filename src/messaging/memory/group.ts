import type { MemoryLog } from './log.ts';

export interface CommittedOffset {
  readonly offset: bigint;
  readonly metadata: string;
}

/** How the broker reaches a member. Each call may come at any time and is told over the member's network. */
export interface MemoryMember {
  readonly id: string;
  readonly topics: ReadonlySet<string>;
  assign(log: MemoryLog): void;
  revoke(log: MemoryLog): void;
  /** The broker forgot the member: its session or a drain took too long. */
  expelled(): void;
}

/** A commit that was written down. */
export interface Recorded {
  readonly log: MemoryLog;
  readonly committed: CommittedOffset;
  readonly order: number;
}

interface Slot {
  readonly log: MemoryLog;
  owner: MemoryMember | null;
  target: MemoryMember | null;
  revoking: boolean;
}

/** The member with the fewest partitions. */
const poorest = (share: ReadonlyMap<MemoryMember, number>): MemoryMember | null => {
  let found: MemoryMember | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [member, count] of share) {
    if (count >= fewest) continue;
    found = member;
    fewest = count;
  }
  return found;
};

const keyOf = (log: MemoryLog): string => `${log.topic}/${log.partition}`;

/**
 * A consumer group as the broker keeps it: who owns which partition, and the committed offsets. A partition goes to
 * its new owner only after the old one released it or was forgotten. Commits are checked against membership only, as
 * Kafka does: a known member may commit for a partition that another owns.
 */
export class MemoryGroup {
  readonly #members = new Map<string, MemoryMember>();
  readonly #slots = new Map<string, Slot>();
  readonly #committed = new Map<string, Recorded>();
  readonly #logsOf: (topic: string) => readonly MemoryLog[];
  #recordedLast = 0;

  constructor(logsOf: (topic: string) => readonly MemoryLog[]) {
    this.#logsOf = logsOf;
  }

  get members(): readonly string[] {
    return [...this.#members.keys()];
  }

  has(memberId: string): boolean {
    return this.#members.has(memberId);
  }

  committed(log: MemoryLog): CommittedOffset | null {
    return this.#committed.get(keyOf(log))?.committed ?? null;
  }

  /** Writes a commit down; {@link apply} makes it count, at once or when its transaction is committed. */
  record(log: MemoryLog, committed: CommittedOffset): Recorded {
    this.#recordedLast += 1;
    return { log, committed, order: this.#recordedLast };
  }

  /** What was written down last counts, whichever transaction ended last: as Kafka's coordinator does. */
  apply(recorded: Recorded): void {
    const key = keyOf(recorded.log);
    if ((this.#committed.get(key)?.order ?? 0) < recorded.order) this.#committed.set(key, recorded);
  }

  join(member: MemoryMember): void {
    this.#members.set(member.id, member);
    this.rebalance();
  }

  /** The member let the partition go. */
  release(memberId: string, log: MemoryLog): void {
    const slot = this.#slots.get(keyOf(log));
    if (slot?.owner?.id !== memberId) return;
    slot.owner = null;
    slot.revoking = false;
    this.#settle(slot);
  }

  leave(memberId: string): void {
    if (!this.#members.delete(memberId)) return;
    for (const slot of this.#slots.values()) {
      if (slot.owner?.id !== memberId) continue;
      slot.owner = null;
      slot.revoking = false;
    }
    this.rebalance();
  }

  /** Forgets a member that did not leave; it is told. */
  expel(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.leave(memberId);
    member.expelled();
  }

  /** Spreads the partitions evenly; whoever has one keeps it while its share allows. */
  rebalance(): void {
    const topics = new Set([...this.#members.values()].flatMap((member) => [...member.topics]));
    for (const topic of topics) this.#rebalanceTopic(topic);
    for (const slot of this.#slots.values()) this.#settle(slot);
  }

  #rebalanceTopic(topic: string): void {
    const members = [...this.#members.values()].filter((member) => member.topics.has(topic));
    const slots = this.#logsOf(topic).map((log) => this.#slotOf(log));
    const share = new Map(members.map((member) => [member, 0]));
    const low = Math.floor(slots.length / Math.max(1, members.length));
    let extra = slots.length - low * members.length;
    const homeless: Slot[] = [];
    for (const slot of slots) {
      const count = slot.owner === null ? undefined : share.get(slot.owner);
      const keeps = count !== undefined && (count < low || (count === low && extra > 0));
      if (!keeps || slot.owner === null) {
        homeless.push(slot);
        continue;
      }
      if (count === low) extra -= 1;
      share.set(slot.owner, count + 1);
      slot.target = slot.owner;
    }
    for (const slot of homeless) {
      slot.target = poorest(share);
      if (slot.target !== null) share.set(slot.target, (share.get(slot.target) ?? 0) + 1);
    }
  }

  #slotOf(log: MemoryLog): Slot {
    const slot = this.#slots.get(keyOf(log)) ?? { log, owner: null, target: null, revoking: false };
    this.#slots.set(keyOf(log), slot);
    return slot;
  }

  #settle(slot: Slot): void {
    const target = slot.target !== null && this.#members.has(slot.target.id) ? slot.target : null;
    if (slot.owner === target || slot.revoking) return;
    if (slot.owner === null) {
      slot.owner = target;
      target?.assign(slot.log);
      return;
    }
    slot.revoking = true;
    slot.owner.revoke(slot.log);
  }
}
