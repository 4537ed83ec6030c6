import type { LogFields, Logger } from '../../src/kernel/logger.ts';
import type { Topic } from '../../src/kernel/topics.ts';
import { createMemoryBroker, type MemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging, type MemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import type { MemoryCall, MemoryFault } from '../../src/messaging/memory/network.ts';
import type { InRecord, OutRecord } from '../../src/messaging/messaging.ts';
import type { Delivery, PartitionOpening, WorkConsumer, WorkConsumerOptions } from '../../src/messaging/work.ts';
import { createWorkConsumer } from '../../src/messaging/work-consumer.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const topicOf = (name: string, partitions: number): Topic => ({
  name,
  contract: null,
  key: 'none',
  partitions,
  cleanup: 'delete',
  retentionMs: 3_600_000,
});

/** What is worked on. */
export const work = topicOf('work.v1', 2);
/** What the work yields. */
export const yields = topicOf('yields.v1', 1);
/** Where records go that ended their workers. */
export const graves = topicOf('graves.v1', 1);
export const group = 'workers';

export const textOf = (record: InRecord | Delivery): string =>
  ('record' in record ? record.record : record).value?.toString('utf8') ?? '';
export const outOf = (text: string, topic: Topic = yields): OutRecord => ({
  topic,
  partition: 0,
  key: null,
  value: Buffer.from(text),
  headers: [],
});

/** Faults and delays on one process's way to the log, to be set as a test goes. */
export interface Weather {
  /** What happens to the next requests of a kind; then none. */
  readonly faults: Map<MemoryCall, MemoryFault[]>;
  /** What one way of the next requests of a kind takes; then none. */
  readonly delaysMs: Map<MemoryCall, number[]>;
}

/** A process with one work consumer, and everything that was handed to it. */
export interface Worker {
  readonly weather: Weather;
  readonly messaging: MemoryMessaging;
  readonly consumer: WorkConsumer;
  readonly deliveries: Delivery[];
  readonly openings: PartitionOpening[];
  readonly released: number[];
  readonly poisoned: { readonly text: string; readonly blamed: number; readonly generation: number }[];
  readonly failures: Error[];
  readonly lines: LogFields[];
}

export type WorkerOptions = Partial<Pick<WorkConsumerOptions, 'mode' | 'inFlightMax'>>;

/** A log in memory with a topic of work, on virtual time. */
export interface Workbench {
  readonly clock: VirtualClock;
  readonly broker: MemoryBroker;
  /** A process's door to the log, and the weather on the way to it. */
  readonly door: () => { readonly messaging: MemoryMessaging; readonly weather: Weather };
  /** Appends work to a partition (default 0). */
  readonly add: (texts: readonly string[], partition?: number) => void;
  /** Starts a process that works, under the given weather; deliveries are not answered by themselves. */
  readonly hire: (name: string, options?: WorkerOptions, prepare?: (weather: Weather) => void) => Promise<Worker>;
  /** Texts that committed readers of a topic see, or will see. */
  readonly committed: (topic?: Topic) => string[];
  /** Texts that uncommitted readers of a topic see. */
  readonly written: (topic?: Topic) => string[];
}

const linesInto = (lines: LogFields[]): Logger => {
  const take = (fields: LogFields): void => {
    lines.push(fields);
  };
  return { debug: take, info: take, warn: take, error: take };
};

/** Makes the log and its topics. */
export const createWorkbench = (): Workbench => {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  for (const topic of [work, yields, graves]) broker.ensureTopic(topic);

  const door = () => {
    const weather: Weather = { faults: new Map(), delaysMs: new Map() };
    const network = {
      fault: (call: MemoryCall): MemoryFault => weather.faults.get(call)?.shift() ?? 'none',
      delayMs: (call: MemoryCall): number => weather.delaysMs.get(call)?.shift() ?? 0,
    };
    return { weather, messaging: createMemoryMessaging({ broker, network }) };
  };

  return {
    clock,
    broker,
    door,
    add: (texts, partition = 0) => {
      for (const text of texts) broker.append(outOf(text, work), partition);
    },
    hire: async (name, options = {}, prepare = () => {}) => {
      const { messaging, weather } = door();
      prepare(weather);
      const lines: LogFields[] = [];
      const seen = { deliveries: [], openings: [], released: [], poisoned: [], failures: [] } as Pick<
        Worker,
        'deliveries' | 'openings' | 'released' | 'poisoned' | 'failures'
      >;
      const consumer = await createWorkConsumer({
        messaging,
        clock,
        logger: linesInto(lines),
        group,
        topics: [work],
        isolation: 'uncommitted',
        mode: { kind: 'transaction', transactionalId: name, everyMs: 50 },
        inFlightMax: 100,
        ...options,
        onOpening: async (opening) => {
          seen.openings.push(opening);
          await Promise.resolve();
        },
        onDelivery: (delivery) => seen.deliveries.push(delivery),
        onReleased: (generation) => seen.released.push(generation),
        onPoison: (record, blamed, generation) => {
          seen.poisoned.push({ text: textOf(record), blamed, generation });
          return [outOf(textOf(record), graves)];
        },
        onFailed: (error) => seen.failures.push(error),
      });
      await clock.advance(1);
      return { weather, messaging, consumer, lines, ...seen };
    },
    committed: (topic = yields) => broker.log(topic.name, 0).committedRecords().map(textOf),
    written: (topic = yields) => broker.log(topic.name, 0).read(0, 'uncommitted', 100_000).records.map(textOf),
  };
};
