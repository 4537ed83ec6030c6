import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from '../messaging/codec.ts';
import { outcomeKind, type StoredOutcome } from '../messaging/command-outcome.ts';
import { createEndBarrier } from '../messaging/end-barrier.ts';
import { createEntityDecoder, type EntityDecoder, parseEntityKey, tellSkipped } from '../messaging/entity-record.ts';
import { createEntityTable } from '../messaging/entity-table.ts';
import type { InRecord, Messaging } from '../messaging/messaging.ts';
import { controlErrors } from './errors.ts';
import { stateIndexes, stateKinds } from './indexes.ts';
import { type ControlState, createControlState } from './state.ts';

export interface LoadOptions {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the log says: the entities, and the outcomes that are still remembered. */
export interface LoadedState {
  readonly state: ControlState;
  readonly outcomes: readonly StoredOutcome[];
}

/** Reading everything takes as long as it takes; this bounds a broker that does not answer. */
const loadTimeoutMs = 120_000;

const applyRecord = (
  { codec, logger }: LoadOptions,
  decoders: ReadonlyMap<string, EntityDecoder>,
  record: InRecord,
): ReturnType<typeof revisedOf> | undefined => {
  const key = parseEntityKey(record.key);
  const decoder = key === null ? undefined : decoders.get(key.kind);
  if (key === null || decoder === undefined) return undefined;
  try {
    return revisedOf(decoder, key.id, decoder.decode(codec, record));
  } catch (error) {
    tellSkipped(logger, key, record, error);
    return undefined;
  }
};

const revisedOf = ({ kind }: EntityDecoder, id: string, stored: ReturnType<EntityDecoder['decode']>) => ({
  kind,
  id,
  stored,
});

/**
 * Reads `control.state.v1` to its end. To be called after fencing: then nobody else can add to it any more, and what
 * was read is what the next decision stands on. Throws `MESSAGING_UNAVAILABLE`, `CONTROL_STATE_UNREADABLE`.
 */
export const loadState = async (options: LoadOptions): Promise<LoadedState> => {
  const { messaging, clock } = options;
  const state = createControlState(stateKinds, stateIndexes);
  const outcomes = createEntityTable([outcomeKind]);
  const decoders = new Map([...stateKinds, outcomeKind].map((kind) => [kind.kind, createEntityDecoder(kind)]));
  let position = -1n;

  const barrier = createEndBarrier({
    clock,
    timeoutMs: loadTimeoutMs,
    position: () => position,
    endOffset: async () => (await messaging.admin.endOffsets(topics.state, 'committed'))[0] ?? 0n,
  });
  const apply = (record: InRecord): void => {
    const revised = applyRecord(options, decoders, record);
    if (revised === undefined) return;
    if (revised.kind.kind !== outcomeKind.kind) state.commit([revised]);
    else if (revised.stored === undefined) outcomes.delete(outcomeKind, revised.id);
    else outcomes.put(outcomeKind, revised.id, revised.stored);
  };
  const reader = await messaging.own({
    topic: topics.state,
    partition: 0,
    from: 'start',
    isolation: 'committed',
    onRecords: (records) => {
      for (const record of records) apply(record);
    },
    onPosition: (moved) => {
      position = moved;
      barrier.moved();
    },
    onFailed: (cause) => {
      barrier.fail(controlErrors.STATE_UNREADABLE({ message: 'The state of the platform cannot be read.', cause }));
    },
  });
  try {
    position = reader.position;
    await barrier.wait();
  } finally {
    await reader.close();
  }
  return { state, outcomes: [...outcomes.all(outcomeKind)].map(({ value }) => value) };
};
