import { sleep } from '../kernel/clock.ts';
import type { Assignment, InRecord, Membership } from './messaging.ts';
import { openPartition } from './opening.ts';
import { createAppendSettler, createTransactionSettler, type Settler } from './settle.ts';
import type { WorkConsumer, WorkConsumerOptions } from './work.ts';
import { createWorkPartition, type WorkPartition } from './work-partition.ts';

/** Longest time that a partition which is wanted back may take in all; the broker's side of it. */
const drainMs = 20_000;
/** Started work is waited for so long; what is unfinished then is left to the next owner, named in the metadata. */
const drainWorkMs = 15_000;

const ownerOf = (options: WorkConsumerOptions): string =>
  options.mode.kind === 'transaction' ? options.mode.transactionalId : '';

const openSettler = async (
  options: WorkConsumerOptions,
  membership: () => Membership,
  onFailed: (error: Error) => void,
): Promise<Settler> => {
  const { messaging, clock, mode } = options;
  const common = { clock, everyMs: mode.everyMs, membership, onFailed };
  return mode.kind === 'transaction'
    ? createTransactionSettler({
        ...common,
        transactor: await messaging.transactor({ transactionalId: mode.transactionalId }),
      })
    : createAppendSettler({ ...common, appender: await messaging.appender({ name: mode.name }) });
};

/** Hands out records of all partitions in turn, at most `inFlightMax` at a time. */
const createDispatch = (inFlightMax: number) => {
  /** Partitions that may have something to hand out. */
  const ready = new Set<WorkPartition>();
  let inFlight = 0;
  let running = false;

  const run = (): void => {
    if (running) return;
    running = true;
    // A partition that delivered goes to the end of the set, which this loop then visits again: round robin.
    for (const partition of ready) {
      if (inFlight >= inFlightMax) break;
      ready.delete(partition);
      if (partition.deliver()) ready.add(partition);
    }
    running = false;
  };

  return {
    get inFlight(): number {
      return inFlight;
    },
    change: (by: 1 | -1): void => {
      inFlight += by;
    },
    onReady: (partition: WorkPartition): void => {
      ready.add(partition);
      run();
    },
    remove: (partition: WorkPartition): void => {
      ready.delete(partition);
      run();
    },
  };
};

/**
 * Joins the group and works on its records; see {@link WorkConsumerOptions}. In transaction mode the transactional id
 * is taken over first. Throws `MESSAGING_UNAVAILABLE` when no broker answers.
 */
export const createWorkConsumer = async (options: WorkConsumerOptions): Promise<WorkConsumer> => {
  const { messaging, clock, logger, topics } = options;
  const owner = ownerOf(options);
  const dispatch = createDispatch(options.inFlightMax);
  const partitions = new Map<Assignment, WorkPartition>();
  const { promise: joined, resolve: onJoined } = Promise.withResolvers<Membership>();
  let membership: Membership | null = null;
  let closing: Promise<void> | null = null;

  const fail = (error: Error): void => {
    options.onFailed(error);
  };

  const settler = await openSettler(
    options,
    () => {
      if (membership === null) throw new Error('A partition was settled before the group was joined.');
      return membership;
    },
    fail,
  );

  const release = (assignment: Assignment, partition: WorkPartition): void => {
    partitions.delete(assignment);
    partition.end();
    dispatch.remove(partition);
  };

  const onAssigned = async (assignment: Assignment): Promise<void> => {
    await joined;
    const opening = await openPartition({ messaging, logger, topics, assignment, owner });
    await options.onOpening?.({
      topic: assignment.topic,
      partition: assignment.partition,
      generation: assignment.generation,
      next: BigInt(opening.next),
      unfinished: opening.holes.map((record) => record.offset),
    });
    if (assignment.state !== 'owned') return;
    const partition = createWorkPartition({
      assignment,
      owner,
      settler,
      opening,
      onDelivery: options.onDelivery,
      onPoison: options.onPoison,
      onReady: dispatch.onReady,
      onInFlight: dispatch.change,
    });
    partitions.set(assignment, partition);
    assignment.seek(BigInt(opening.next));
    // The first act is to commit our name, so that whoever takes over knows whom to fence.
    await settler.commitNow(partition);
    if (!partition.over) dispatch.onReady(partition);
  };

  const onRevoked = async (assignment: Assignment): Promise<void> => {
    const partition = partitions.get(assignment);
    if (partition === undefined) return;
    const idle = partition.stop();
    options.onReleased(assignment.generation);
    const waited = new AbortController();
    await Promise.race([idle, sleep(clock, drainWorkMs, waited.signal)]);
    waited.abort();
    if (!partition.over) {
      partition.markDrained();
      await settler.commitNow(partition);
    }
    release(assignment, partition);
    options.onReleased(assignment.generation);
  };

  const onLost = (assignment: Assignment): void => {
    const partition = partitions.get(assignment);
    if (partition === undefined) return;
    release(assignment, partition);
    options.onReleased(assignment.generation);
  };

  const onRecords = (assignment: Assignment, records: readonly InRecord[]): void => {
    partitions.get(assignment)?.offer(records);
  };

  const close = async (): Promise<void> => {
    await membership?.close();
    await settler.close();
  };

  membership = await messaging.join({
    group: options.group,
    topics,
    isolation: options.isolation,
    drainMs,
    onAssigned,
    onRecords,
    onRevoked,
    onLost,
    onFailed: fail,
  });
  onJoined(membership);

  return {
    get inFlight() {
      return dispatch.inFlight;
    },
    get partitions() {
      return partitions.size;
    },
    close: async () => {
      closing ??= close();
      await closing;
    },
  };
};
