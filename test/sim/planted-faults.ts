import { appendBySink } from '../../src/messaging/append.ts';
import type { Appender, Assignment, Messaging, PartitionOffset, Transactor } from '../../src/messaging/messaging.ts';
import { decodeOffsetMetadata, encodeOffsetMetadata } from '../../src/messaging/offset-metadata.ts';
import type { SimProcess } from './sim-process.ts';
import type { Pieces } from './sim-roles.ts';

/** The port with some of its parts replaced. */
const withParts = (messaging: Messaging, parts: Partial<Messaging>): Messaging => ({
  appender: async (options) => await messaging.appender(options),
  transactor: async (options) => await messaging.transactor(options),
  join: async (options) => await messaging.join(options),
  own: async (options) => await messaging.own(options),
  admin: messaging.admin,
  close: async () => {
    await messaging.close();
  },
  ...parts,
});

const withoutHoles = (each: PartitionOffset): PartitionOffset => {
  const metadata = decodeOffsetMetadata(Number(each.offset), each.metadata);
  if (metadata === undefined) return each;
  const bare = { ...metadata, holes: [], marked: null, blamed: new Map<number, number>() };
  return { ...each, offset: BigInt(metadata.next), metadata: encodeOffsetMetadata(metadata.next, bare) };
};

const commitsAboveLowWater = (messaging: Messaging): Messaging =>
  withParts(messaging, {
    transactor: async (options): Promise<Transactor> => {
      const transactor = await messaging.transactor(options);
      return {
        append: async (record) => await transactor.append(record),
        send: (record, sink) => {
          transactor.send(record, sink);
        },
        commit: async (offsets) => {
          await transactor.commit(offsets.map((each) => ({ ...each, offsets: each.offsets.map(withoutHoles) })));
        },
        abort: async () => {
          await transactor.abort();
        },
        close: async () => {
          await transactor.close();
        },
      };
    },
  });

const acknowledgesBeforeProduce = (messaging: Messaging, process: SimProcess): Messaging =>
  withParts(messaging, {
    appender: async (options): Promise<Appender> => {
      const appender = await messaging.appender(options);
      const send: Appender['send'] = (record, sink) => {
        process.clock.after(60, () => {
          appender.append(record).catch(() => {});
        });
        queueMicrotask(() => {
          sink.appended({ partition: 0, offset: 0n });
        });
      };
      return {
        append: async (record) => await appendBySink({ send }, record),
        send,
        close: async () => {
          await appender.close();
        },
      };
    },
  });

/** The consumer is never told that its partition is gone, and the port is told that it is still owned. */
const commitsAfterRelease = (messaging: Messaging): Messaging =>
  withParts(messaging, {
    join: async (options) => {
      const forged = new Map<Assignment, Assignment>();
      const forge = (real: Assignment): Assignment => {
        const found = forged.get(real) ?? {
          topic: real.topic,
          partition: real.partition,
          generation: real.generation,
          committed: real.committed,
          state: 'owned',
          get next() {
            return real.next;
          },
          seek: (offset) => {
            real.seek(offset);
          },
          pause: () => {
            real.pause();
          },
          resume: () => {
            real.resume();
          },
          readCommitted: async () => await real.readCommitted(),
          fetch: async (offsets) => await real.fetch(offsets),
        };
        forged.set(real, found);
        return found;
      };
      return await messaging.join({
        ...options,
        onAssigned: async (real) => {
          await options.onAssigned(forge(real));
        },
        onRecords: async (real, records) => {
          await options.onRecords(forge(real), records);
        },
        onRevoked: async () => {
          await Promise.resolve();
        },
        onLost: () => {},
      });
    },
  });

/** Faults that a simulation worth having must find, each one piece in place of a sound one. */
export const plantedFaults: Readonly<Record<string, Partial<Pieces>>> = {
  'a commit above the low-water mark': { executorMessaging: commitsAboveLowWater },
  'an acknowledgement before the produce': { routerMessaging: acknowledgesBeforeProduce },
  'a commit after release': { executorMessaging: commitsAfterRelease },
  'an unordered lane': { routerLane: (lane, id) => `${lane} ${id}` },
  'a lost retry': { retryOutputs: () => [] },
};
