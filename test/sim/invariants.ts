import { headerText } from '../../src/kernel/contracts/envelope.ts';
import type { Topic } from '../../src/kernel/topics.ts';
import type { MemoryBroker } from '../../src/messaging/memory/broker.ts';
import type { CommittedOffset } from '../../src/messaging/memory/group.ts';
import type { MemoryLog } from '../../src/messaging/memory/log.ts';
import type { InRecord } from '../../src/messaging/messaging.ts';
import { decodeOffsetMetadata } from '../../src/messaging/offset-metadata.ts';
import type { Delivery } from '../../src/messaging/work.ts';
import { isStraight, type Witness } from './sim-roles.ts';
import { groups, type Identity, identityOf, simTopics } from './sim-topics.ts';

/** A promise that was broken, by name. */
export interface Violation {
  readonly promise:
    | 'nothing acknowledged is lost'
    | 'exactly one committed result per id'
    | 'the order of a lane is kept'
    | 'committed never passes unfinished'
    | 'every parked record names its step and reason'
    | 'every accepted call ends once for its caller';
  readonly what: string;
}

const nameOf = (identity: Identity): string => `${identity.id} ${identity.attempt}`;

/** Looks at the log itself, not at what the parts say. */
export class Invariants implements Witness {
  readonly violations: Violation[] = [];
  readonly #broker: MemoryBroker;
  readonly #lastStarted = new Map<string, bigint>();
  readonly #seenCommits = new Map<MemoryLog, CommittedOffset>();
  readonly #results = new Map<string, number>();
  readonly #resultsById = new Map<string, number>();
  readonly #routed = new Set<string>();
  readonly #parked = new Set<string>();

  constructor(broker: MemoryBroker) {
    this.#broker = broker;
  }

  started(delivery: Delivery, identity: Identity): void {
    const lane = `${delivery.generation} ${identity.lane}`;
    const last = this.#lastStarted.get(lane) ?? -1n;
    if (delivery.record.offset <= last) {
      this.#broken('the order of a lane is kept', `${nameOf(identity)} was started after a later call of its lane`);
    }
    this.#lastStarted.set(lane, delivery.record.offset);
  }

  /** To be called whenever something may have been committed. */
  check(): void {
    for (const log of this.#broker.logs(simTopics.requests.name)) this.#checkCommit(groups.executors, log);
    for (const topic of [simTopics.inbox, simTopics.retry]) {
      for (const log of this.#broker.logs(topic.name)) this.#checkCommit(groups.routers, log);
    }
  }

  /** To be called when everything came to rest. */
  checkEnd(accepted: { readonly inbox: Iterable<string>; readonly calls: ReadonlyMap<string, number> }): void {
    this.#collect();
    for (const [id, count] of this.#resultsById) {
      if (count > 1) this.#broken('exactly one committed result per id', `${id} has ${count}: ${this.#resultsOf(id)}`);
    }
    for (const id of accepted.inbox) {
      if (!this.#resultsById.has(id) && !this.#parked.has(id)) this.#broken('nothing acknowledged is lost', id);
    }
    for (const [id, answers] of accepted.calls) {
      if (!this.#resultsById.has(id)) this.#broken('nothing acknowledged is lost', id);
      if (answers !== 1) this.#broken('every accepted call ends once for its caller', `${id}: ${answers} answers`);
    }
    this.#checkRoutedOrder();
  }

  /** True when every accepted message has come to its end. */
  isComplete(accepted: { readonly inbox: Iterable<string>; readonly calls: ReadonlyMap<string, number> }): boolean {
    this.#collect();
    for (const id of accepted.inbox) if (!this.#resultsById.has(id) && !this.#parked.has(id)) return false;
    for (const [id, answers] of accepted.calls) if (!this.#resultsById.has(id) || answers === 0) return false;
    return true;
  }

  #resultsOf(id: string): string {
    const logs = this.#broker.logs(simTopics.results.name);
    const records = logs.flatMap((log) => log.committedRecords()).filter((record) => identityOf(record).id === id);
    return records.map((record) => `attempt ${identityOf(record).attempt} ${String(record.value)}`).join(', ');
  }

  #broken(promise: Violation['promise'], what: string): void {
    this.violations.push({ promise, what });
  }

  #checkCommit(group: string, log: MemoryLog): void {
    const committed = this.#broker.group(group).committed(log);
    if (committed === null || this.#seenCommits.get(log) === committed) return;
    this.#seenCommits.set(log, committed);
    this.#collect();
    const lowWater = Number(committed.offset);
    const metadata = decodeOffsetMetadata(lowWater, committed.metadata);
    const unfinished = new Set(metadata?.holes);
    const offsets = Array.from({ length: metadata?.next ?? lowWater }, (_, offset) => offset);
    const records = log.at(offsets, 'uncommitted');
    const open = new Set(
      records.filter((each) => unfinished.has(Number(each.offset))).map((each) => nameOf(identityOf(each))),
    );
    for (const record of records) {
      if (unfinished.has(Number(record.offset))) continue;
      if (this.#isFinished(group, record) || open.has(nameOf(identityOf(record)))) continue;
      this.#broken(
        'committed never passes unfinished',
        `${record.topic}/${record.partition} offset ${record.offset.toString()} (${nameOf(identityOf(record))})`,
      );
      return;
    }
  }

  /** A copy counts as finished while the first one is open: it was dropped. */
  #isFinished(group: string, record: InRecord): boolean {
    const name = nameOf(identityOf(record));
    return group === groups.executors ? this.#results.has(name) : this.#routed.has(name);
  }

  #collect(): void {
    this.#resultsById.clear();
    this.#collectTopic(simTopics.results, (record) => {
      const identity = identityOf(record);
      this.#results.set(nameOf(identity), 1);
      this.#resultsById.set(identity.id, (this.#resultsById.get(identity.id) ?? 0) + 1);
    });
    this.#collectTopic(simTopics.requests, (record) => this.#routed.add(nameOf(identityOf(record))));
    this.#collectTopic(simTopics.retry, (record) => {
      const identity = identityOf(record);
      this.#routed.add(nameOf({ ...identity, attempt: identity.attempt - 1 }));
    });
    this.#collectTopic(simTopics.dead, (record) => {
      const identity = identityOf(record);
      this.#parked.add(identity.id);
      this.#routed.add(nameOf(identity));
      if (headerText(record.headers, 'dead.step') && headerText(record.headers, 'dead.reason')) return;
      this.#broken('every parked record names its step and reason', identity.id);
    });
  }

  #collectTopic(topic: Topic, take: (record: InRecord) => void): void {
    for (const log of this.#broker.logs(topic.name)) {
      for (const record of log.committedRecords()) take(record);
    }
  }

  /** The first copies of a lane's straight messages stand in the order of the inbox. */
  #checkRoutedOrder(): void {
    for (const log of this.#broker.logs(simTopics.requests.name)) {
      const last = new Map<string, number>();
      const seen = new Set<string>();
      for (const record of log.read(0, 'uncommitted', Number.POSITIVE_INFINITY).records) {
        const identity = identityOf(record);
        const place = /^inbox-\d+-(\d+)$/.exec(identity.id)?.[1];
        if (place === undefined || identity.attempt > 1 || !isStraight(identity) || seen.has(identity.id)) continue;
        seen.add(identity.id);
        const before = last.get(identity.lane) ?? -1;
        if (Number(place) < before) this.#broken('the order of a lane is kept', `${identity.id} was routed late`);
        last.set(identity.lane, Number(place));
      }
    }
  }
}
