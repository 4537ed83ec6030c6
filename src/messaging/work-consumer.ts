import { sleep } from '../kernel/clock.ts';
import { asPlatformError } from '../kernel/errors.ts';
import { createAppendSettler } from './append-settler.ts';
import { createCarefulTurns } from './careful-turns.ts';
import type { Assignment, InRecord, Membership } from './messaging.ts';
import { type Opening, openPartition } from './opening.ts';
import type { Settler } from './settle.ts';
import { createTransactionSettler } from './transaction-settler.ts';
import type { WorkConsumer, WorkConsumerOptions } from './work.ts';
import { WorkPartition } from './work-partition.ts';

/** Longest time that a partition which is wanted back may take in all; the broker's side of it. */
const drainMs = 20_000;
/** Started work is waited for so long; what is unfinished then is left to the next owner, named in the metadata. */
const drainWorkMs = 15_000;
const openAgainMs = 250;

/** Hands out records of all partitions in turn, at most `inFlightMax` at a time. */
class Dispatch {
  readonly #inFlightMax: number;
  /** Partitions that may have something to hand out. */
  readonly #ready = new Set<WorkPartition>();
  #inFlight = 0;
  #running = false;

  constructor(inFlightMax: number) {
    this.#inFlightMax = inFlightMax;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  change(by: number): void {
    this.#inFlight += by;
  }

  add(partition: WorkPartition): void {
    this.#ready.add(partition);
    this.#run();
  }

  remove(partition: WorkPartition): void {
    this.#ready.delete(partition);
    this.#run();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    // A partition that delivered goes to the end of the set, which this loop then visits again: round robin.
    for (const partition of this.#ready) {
      if (this.#inFlight >= this.#inFlightMax) break;
      this.#ready.delete(partition);
      if (partition.deliver()) this.#ready.add(partition);
    }
    this.#running = false;
  }
}

class GroupWorkConsumer implements WorkConsumer {
  readonly #options: WorkConsumerOptions;
  readonly #settler: Settler;
  readonly #membership: Promise<Membership>;
  readonly #dispatch: Dispatch;
  /** Of the topics that are bounded apart, by name. */
  readonly #apart: ReadonlyMap<string, Dispatch>;
  readonly #partitions = new Map<Assignment, WorkPartition>();
  readonly #turns = createCarefulTurns();
  readonly #failed = new AbortController();
  #closing: Promise<void> | null = null;

  constructor(options: WorkConsumerOptions, settler: Settler, membership: Promise<Membership>) {
    this.#options = options;
    this.#settler = settler;
    this.#membership = membership;
    this.#dispatch = new Dispatch(options.inFlightMax);
    this.#apart = new Map((options.apart ?? []).map(({ name }) => [name, new Dispatch(options.inFlightMax)]));
  }

  get inFlight(): number {
    return [...this.#apart.values()].reduce((sum, { inFlight }) => sum + inFlight, this.#dispatch.inFlight);
  }

  get partitions(): number {
    return this.#partitions.size;
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** The consumer cannot go on. What is in work is never settled, so no drain waits for it and others take over at once. */
  fail(error: Error): void {
    this.#failed.abort();
    this.#options.onFailed(error);
  }

  async onAssigned(assignment: Assignment): Promise<void> {
    await this.#membership;
    const opening = await this.#openAgainAndAgain(assignment);
    if (opening === null || assignment.state !== 'owned') {
      this.#options.onReleased(assignment.generation);
      return;
    }
    const options = this.#options;
    const dispatch = this.#dispatchOf(assignment);
    const partition = new WorkPartition({
      assignment,
      owner: this.#owner,
      settler: this.#settler,
      opening,
      turns: this.#turns,
      onDelivery: (delivery) => {
        options.onDelivery(delivery);
      },
      onPoison: (record, blamed) => options.onPoison(record, blamed, assignment.generation),
      onReady: (ready) => {
        dispatch.add(ready);
      },
      onInFlight: (change) => {
        dispatch.change(change);
      },
    });
    this.#partitions.set(assignment, partition);
    assignment.seek(BigInt(opening.next));
    // The first act is to commit our name, so that whoever takes over knows whom to fence.
    await this.#settler.commitNow(partition);
    if (!partition.over) dispatch.add(partition);
  }

  onRecords(assignment: Assignment, records: readonly InRecord[]): void {
    this.#partitions.get(assignment)?.offer(records);
  }

  async onRevoked(assignment: Assignment): Promise<void> {
    const partition = this.#partitions.get(assignment);
    if (partition === undefined) return;
    const idle = partition.stop();
    this.#options.onReleased(assignment.generation);
    const waited = new AbortController();
    const enough = AbortSignal.any([waited.signal, this.#failed.signal]);
    await Promise.race([idle, sleep(this.#options.clock, drainWorkMs, enough)]);
    waited.abort();
    if (!partition.over) {
      partition.markDrained();
      await this.#settler.commitNow(partition);
    }
    this.onLost(assignment);
  }

  onLost(assignment: Assignment): void {
    const partition = this.#partitions.get(assignment);
    if (partition === undefined) return;
    this.#partitions.delete(assignment);
    partition.end();
    this.#dispatchOf(assignment).remove(partition);
    this.#options.onReleased(assignment.generation);
  }

  #dispatchOf({ topic }: Assignment): Dispatch {
    return this.#apart.get(topic) ?? this.#dispatch;
  }

  get #owner(): string {
    return this.#options.mode.kind === 'transaction' ? this.#options.mode.transactionalId : '';
  }

  /** What the former owner left; null when the partition went away meanwhile or the consumer failed. */
  async #openAgainAndAgain(assignment: Assignment): Promise<Opening | null> {
    while (assignment.state === 'owned') {
      try {
        return await this.#open(assignment);
      } catch (error) {
        const failure = asPlatformError(error);
        if (failure.kind !== 'unavailable') {
          this.fail(failure);
          return null;
        }
      }
      await sleep(this.#options.clock, openAgainMs);
    }
    return null;
  }

  async #open(assignment: Assignment): Promise<Opening> {
    const { messaging, logger, topics } = this.#options;
    const idle = async () => {
      await this.#settler.idle();
    };
    const opening = await openPartition({ messaging, logger, topics, assignment, owner: this.#owner, idle });
    await this.#options.onOpening?.({
      topic: assignment.topic,
      partition: assignment.partition,
      generation: assignment.generation,
      next: BigInt(opening.next),
      unfinished: opening.holes,
    });
    return opening;
  }

  async #close(): Promise<void> {
    const membership = await this.#membership;
    await membership.close();
    await this.#settler.close();
  }
}

const openSettler = async (
  options: Omit<WorkConsumerOptions, 'onFailed'>,
  membership: () => Membership,
  onFailed: (error: Error) => void,
): Promise<Settler> => {
  const { messaging, clock, logger, mode } = options;
  const common = {
    clock,
    logger,
    everyMs: mode.everyMs,
    membership,
    onFailed,
  };
  if (mode.kind === 'append') return createAppendSettler(common, await messaging.appender({ name: mode.name }));
  return createTransactionSettler(common, await messaging.transactor({ transactionalId: mode.transactionalId }));
};

/**
 * Joins the group and works on its records; see {@link WorkConsumerOptions}. In transaction mode the transactional id
 * is taken over first. Throws `MESSAGING_UNAVAILABLE` when no broker answers.
 */
export const createWorkConsumer = async (options: WorkConsumerOptions): Promise<WorkConsumer> => {
  const joined = Promise.withResolvers<Membership>();
  let membership: Membership | null = null;
  const settler = await openSettler(
    options,
    () => {
      if (membership === null) throw new Error('A partition was settled before the group was joined.');
      return membership;
    },
    (error) => {
      consumer.fail(error);
    },
  );
  const consumer: GroupWorkConsumer = new GroupWorkConsumer(options, settler, joined.promise);
  const joining = options.messaging.join({
    group: options.group,
    topics: options.topics,
    isolation: options.isolation,
    balance: options.balance ?? 'all',
    drainMs,
    onAssigned: async (assignment) => {
      await consumer.onAssigned(assignment);
    },
    onRecords: (assignment, records) => {
      consumer.onRecords(assignment, records);
    },
    onRevoked: async (assignment) => {
      await consumer.onRevoked(assignment);
    },
    onLost: (assignment) => {
      consumer.onLost(assignment);
    },
    onFailed: (error) => {
      consumer.fail(error);
    },
  });
  try {
    membership = await joining;
  } catch (error) {
    await settler.close();
    throw error;
  }
  joined.resolve(membership);
  return consumer;
};
