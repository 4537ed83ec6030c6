import type { Clock } from '../kernel/clock.ts';
import type { EntityKind } from '../kernel/entity.ts';
import type { Logger } from '../kernel/logger.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from './codec.ts';
import { createEndBarrier, type EndBarrier } from './end-barrier.ts';
import { createEntityDecoder, type EntityDecoder, parseEntityKey, tellSkipped } from './entity-record.ts';
import { createEntityTable, type StoredEntity } from './entity-table.ts';
import { messagingErrors } from './errors.ts';
import type { InRecord, Messaging } from './messaging.ts';
import type { EntityChange, StateView } from './state-view.ts';

export interface StateViewOptions {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Kinds to keep. Records of other kinds are passed over. */
  readonly kinds: readonly EntityKind[];
}

const barrierTimeoutMs = 10_000;
const unreadyAfterMs = 10_000;
const probeEveryMs = 2_000;

type Watcher = (change: EntityChange) => void;

/** What is known of one kind: how to read it, whether it is kept, who follows it. */
interface Followed {
  readonly decoder: EntityDecoder;
  readonly kept: boolean;
  readonly watchers: Watcher[];
}

interface Entities extends Pick<StateView, 'get' | 'all' | 'watch'> {
  apply(record: InRecord): void;
}

const createEntities = ({ codec, logger, kinds }: StateViewOptions): Entities => {
  const table = createEntityTable(kinds);
  const follow = (kind: EntityKind, kept: boolean): Followed => ({
    decoder: createEntityDecoder(kind),
    kept,
    watchers: [],
  });
  const followed = new Map(kinds.map((kind) => [kind.kind, follow(kind, true)]));

  const change = (
    { decoder: { kind }, kept, watchers }: Followed,
    id: string,
    after: StoredEntity | undefined,
  ): void => {
    const before = kept ? table.get(kind, id) : undefined;
    if (kept && after !== undefined) table.put(kind, id, after);
    if (kept && after === undefined) table.delete(kind, id);
    for (const watcher of watchers) watcher({ id, before: before?.value, after: after?.value });
  };

  return {
    get: (kind, id) => table.get(kind, id)?.value,
    *all(kind) {
      for (const entity of table.all(kind)) yield entity.value;
    },
    watch: <Kind extends EntityKind>(kind: Kind, onChange: (change: EntityChange<Kind>) => void) => {
      // Only values that passed the kind's schema reach the watchers of that kind.
      const watcher: Watcher = onChange;
      const entry = followed.get(kind.kind) ?? follow(kind, false);
      followed.set(kind.kind, entry);
      entry.watchers.push(watcher);
      if (!entry.kept) return;
      for (const { value } of table.all(kind)) watcher({ id: kind.idOf(value), before: undefined, after: value });
    },
    apply: (record) => {
      const key = parseEntityKey(record.key);
      const entry = key === null ? undefined : followed.get(key.kind);
      if (key === null || entry === undefined) return;
      try {
        change(entry, key.id, entry.decoder.decode(codec, record));
      } catch (error) {
        // One bad record must not take every process down; what was known of the entity before stays.
        tellSkipped(logger, key, record, error);
      }
    },
  };
};

/** Asks for the end now and then, so that readiness rests on a fresh answer also when nobody waits at the barrier. */
const startProbe = (clock: Clock, barrier: EndBarrier): (() => void) => {
  let stopped = false;
  let cancel = (): void => {};
  const probe = async (): Promise<void> => {
    // A failed probe needs no word of its own: `ready` turns false, and the next one may succeed.
    await barrier.wait().catch(() => {});
    if (!stopped) cancel = clock.after(probeEveryMs, () => void probe());
  };
  void probe();
  return () => {
    stopped = true;
    cancel();
  };
};

/**
 * Follows `control.state.v1` from its start. Resolves when reading has begun; await `barrier()` before relying on the
 * content. Throws `MESSAGING_UNAVAILABLE` when no broker answers.
 */
export const createStateView = async (options: StateViewOptions): Promise<StateView> => {
  const { messaging, clock, logger } = options;
  const entities = createEntities(options);
  let position = -1n;
  let closed = false;

  const barrier = createEndBarrier({
    clock,
    timeoutMs: barrierTimeoutMs,
    position: () => position,
    endOffset: async () => (await messaging.admin.endOffsets(topics.state, 'committed'))[0] ?? 0n,
  });

  const reader = await messaging.own({
    topic: topics.state,
    partition: 0,
    from: 'start',
    isolation: 'committed',
    onRecords: (records) => {
      for (const record of records) entities.apply(record);
    },
    onPosition: (moved) => {
      position = moved;
      barrier.moved();
    },
    onFailed: (error) => {
      logger.error({ event: 'state-view.failed', message: error.message });
      barrier.fail(
        messagingErrors.UNAVAILABLE({ message: 'The state of the platform can no longer be read.', cause: error }),
      );
    },
  });
  // An empty topic moves no position.
  position = reader.position;
  const stopProbe = startProbe(clock, barrier);

  return {
    get: entities.get,
    all: entities.all,
    watch: entities.watch,
    barrier: async () => {
      await barrier.wait();
    },
    get ready() {
      const reachedAtMs = barrier.reachedAtMs;
      return !closed && reachedAtMs !== null && clock.monotonicMs() - reachedAtMs < unreadyAfterMs;
    },
    close: async () => {
      closed = true;
      stopProbe();
      barrier.fail(messagingErrors.CLOSED({ message: 'The view was closed.' }));
      await reader.close();
    },
  };
};
