import { sleep } from '../../src/kernel/clock.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { createLaneScheduler, type LaneScheduler } from '../../src/messaging/lane-scheduler.ts';
import type { Messaging, OutRecord } from '../../src/messaging/messaging.ts';
import { createOrderedLanes, type OrderedLanes } from '../../src/messaging/ordered-lanes.ts';
import { createRecentIds, type RecentIds, readBackIds } from '../../src/messaging/recent-ids.ts';
import type { Delivery, PartitionOpening, WorkConsumer } from '../../src/messaging/work.ts';
import { createWorkConsumer } from '../../src/messaging/work-consumer.ts';
import type { SimProcess } from './sim-process.ts';
import { deadOf, fateOf, groups, type Identity, identityOf, messageOf, simTopics } from './sim-topics.ts';

/** Pieces that a test replaces by faulty ones. */
export interface Pieces {
  executorMessaging(messaging: Messaging, process: SimProcess): Messaging;
  routerMessaging(messaging: Messaging, process: SimProcess): Messaging;
  /** Lane that the router queues a record under. */
  routerLane(lane: string, id: string): string;
  /** What the router publishes for a record that is to be tried again. */
  retryOutputs(outputs: readonly OutRecord[]): readonly OutRecord[];
}

export const soundPieces: Pieces = {
  executorMessaging: (messaging) => messaging,
  routerMessaging: (messaging) => messaging,
  routerLane: (lane) => lane,
  retryOutputs: (outputs) => outputs,
};

/** Told by the roles, checked by the invariants. */
export interface Witness {
  /** A call began to run. */
  started(delivery: Delivery, identity: Identity): void;
}

/** True for a call that takes its executor down whenever it runs. */
export const isPoison = (identity: Identity): boolean => fateOf(`poison ${identity.id}`) % 97 === 0;

/** What the router does with a message; the same whoever asks, and whenever. */
const routeOf = (identity: Identity): 'forward' | 'retry' | 'park' => {
  const fate = fateOf(`route ${identity.id} ${identity.attempt}`) % 100;
  if (fate < 5) return 'park';
  return identity.attempt < 3 && fate < 25 ? 'retry' : 'forward';
};

/** True for a message whose way keeps the order of its lane: it was never tried again or parked. */
export const isStraight = (identity: Identity): boolean => routeOf({ ...identity, attempt: 1 }) === 'forward';

const routed = (identity: Identity, pieces: Pieces): readonly OutRecord[] => {
  switch (routeOf(identity)) {
    case 'forward':
      return [messageOf(simTopics.requests, identity, 'request')];
    case 'park':
      return [deadOf(identity, 'route', 'cannot be routed')];
    case 'retry':
      return pieces.retryOutputs([messageOf(simTopics.retry, { ...identity, attempt: identity.attempt + 1 }, 'retry')]);
  }
};

/** A settlement rejects only when the process must end, which `onFailed` sees to. */
const settle = async (delivery: Delivery, outputs: readonly OutRecord[]): Promise<void> => {
  await delivery.settle(outputs).catch(() => 'released');
};

export const startRouter = async (process: SimProcess, pieces: Pieces): Promise<WorkConsumer> => {
  const lanes: OrderedLanes<Delivery> = createOrderedLanes({
    width: 6,
    run: async (delivery) => {
      const identity = identityOf(delivery.record);
      await sleep(process.clock, process.random.below(6));
      await settle(delivery, routed(identity, pieces));
    },
    onFailed: () => {
      process.kill();
    },
  });
  return await createWorkConsumer({
    messaging: pieces.routerMessaging(process.messaging, process),
    clock: process.clock,
    logger: silentLogger,
    group: groups.routers,
    topics: [simTopics.inbox, simTopics.retry],
    isolation: 'committed',
    mode: { kind: 'append', name: process.name, everyMs: 30 },
    inFlightMax: 24,
    onDelivery: (delivery) => {
      const { id, lane } = identityOf(delivery.record);
      lanes.offer(`${delivery.record.topic} ${pieces.routerLane(lane, id)}`, delivery);
    },
    onReleased: (generation) => {
      for (const delivery of lanes.remove((each) => each.generation === generation)) delivery.giveBack();
    },
    onPoison: (record) => [deadOf(identityOf(record), 'open', 'took its router down')],
    onFailed: () => {
      process.kill();
    },
  });
};

class Executor {
  readonly #process: SimProcess;
  readonly #witness: Witness;
  readonly #queue: LaneScheduler<Delivery> = createLaneScheduler();
  readonly #recent = new Map<number, RecentIds>();
  #busy = 0;

  constructor(process: SimProcess, witness: Witness) {
    this.#process = process;
    this.#witness = witness;
  }

  async open(messaging: Messaging, opening: PartitionOpening) {
    const into = createRecentIds();
    const { partition, next, unfinished } = opening;
    await readBackIds({ messaging, topic: simTopics.requests, partition, next, unfinished, into });
    this.#recent.set(opening.generation, into);
  }

  take(delivery: Delivery): void {
    const identity = identityOf(delivery.record);
    if (this.isCopy(delivery.generation, identity)) {
      void settle(delivery, []);
      return;
    }
    this.#queue.offer(identity.lane, delivery);
    this.#pull();
  }

  /** True for a copy of what its partition brought before; else it counts as brought from now on. */
  isCopy(generation: number, { id, attempt }: Identity): boolean {
    const recent = this.#recent.get(generation);
    if (recent === undefined) throw new Error('A delivery came before its partition was opened.');
    if (recent.seen(id, attempt)) return true;
    recent.remember(id, attempt);
    return false;
  }

  release(generation: number): void {
    for (const delivery of this.#queue.remove((each) => each.generation === generation)) delivery.giveBack();
  }

  #pull(): void {
    while (this.#busy < 4 && this.#process.alive) {
      const next = this.#queue.takeNext();
      if (next === undefined) return;
      this.#busy += 1;
      void this.#run(next.item);
    }
  }

  async #run(delivery: Delivery): Promise<void> {
    const identity = identityOf(delivery.record);
    this.#witness.started(delivery, identity);
    if (isPoison(identity)) {
      this.#process.kill();
      return;
    }
    const slow = this.#process.random.once(12) ? 400 : 25;
    await sleep(this.#process.clock, 1 + this.#process.random.below(slow));
    await settle(delivery, [messageOf(simTopics.results, identity, `done by ${this.#process.name}`)]);
    this.#busy -= 1;
    this.#pull();
  }
}

export const startExecutor = async (process: SimProcess, pieces: Pieces, witness: Witness): Promise<WorkConsumer> => {
  const executor = new Executor(process, witness);
  const messaging = pieces.executorMessaging(process.messaging, process);
  return await createWorkConsumer({
    messaging,
    clock: process.clock,
    logger: silentLogger,
    group: groups.executors,
    topics: [simTopics.requests],
    isolation: 'committed',
    mode: { kind: 'transaction', transactionalId: process.name, everyMs: 50 },
    inFlightMax: 40,
    onOpening: async (opening) => {
      await executor.open(process.messaging, opening);
    },
    onDelivery: (delivery) => {
      executor.take(delivery);
    },
    onReleased: (generation) => {
      executor.release(generation);
    },
    onPoison: (record, _blamed, generation) => {
      const identity = identityOf(record);
      if (executor.isCopy(generation, identity)) return [];
      return [deadOf(identity, 'open', 'took its executor down'), messageOf(simTopics.results, identity, 'poison')];
    },
    onFailed: () => {
      process.kill();
    },
  });
};
