import type { Clock } from '../kernel/clock.ts';
import type { Presence } from '../kernel/contracts/contracts.gen.ts';
import type { Logger } from '../kernel/logger.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from './codec.ts';
import type { Appender, InRecord, Messaging } from './messaging.ts';

/** How often each process says that it is alive. */
export const presenceEveryMs = 1_000;
/** A process that was silent for longer, while others were heard, counts as dead: three seconds, and what the log takes. */
export const presenceAliveMs = 3_500;
/** Each process hears itself at least: when nobody was heard for so long, it is the log that is silent. */
const logSilentMs = 2 * presenceEveryMs;
/** Records read back when a view is opened, so that it knows its peers before their next word. */
const readBackRecords = 256n;

/** What a process says of itself; time and `stopping` are the writer's. */
export type PresenceDescription = Omit<Presence, 'atMs' | 'stopping'>;

export interface PresenceWriter {
  /** Writes at once and then each second. Calling it again does nothing. */
  start(): void;
  /** Says that the process stops, then ends. May be called twice; never rejects. */
  stop(): Promise<void>;
}

export interface PresenceOptions {
  readonly appender: Pick<Appender, 'append'>;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for each record: cheap and synchronous. */
  describe(): PresenceDescription;
}

/** Writes this process's presence. At most one record is in flight: while the log is away, none pile up. */
export const createPresence = (options: PresenceOptions): PresenceWriter => {
  const { appender, codec, clock, logger } = options;
  let state: 'idle' | 'running' | 'stopped' = 'idle';
  let cancel = (): void => {};
  let writing: Promise<void> | null = null;

  const write = async (stopping: boolean): Promise<void> => {
    try {
      const presence: Presence = { ...options.describe(), atMs: Math.round(clock.nowMs()), stopping };
      await appender.append(codec.encode(topics.presence, presence, { key: presence.process }));
    } catch (error) {
      logger.warn({ event: 'presence.missed', reason: error instanceof Error ? error.message : String(error) });
    }
  };
  const tick = (): void => {
    cancel = clock.after(presenceEveryMs, tick);
    if (writing !== null) return;
    writing = write(false).then(() => {
      writing = null;
    });
  };

  return {
    start: () => {
      if (state !== 'idle') return;
      state = 'running';
      tick();
    },
    stop: async () => {
      if (state !== 'running') return;
      state = 'stopped';
      cancel();
      await writing;
      await write(true);
    },
  };
};

/** Who is alive, as this process has read it. */
export interface PresenceView {
  /** Processes that spoke within {@link presenceAliveMs} and do not stop. */
  live(): readonly Presence[];
  /** Those of them that have the role; with `pool`, executors of that pool only. Cheap: a silent process may count for 200 ms more. */
  liveIn(role: string, pool?: string): readonly Presence[];
  /** Ends reading. May be called twice. */
  close(): Promise<void>;
}

export interface PresenceViewOptions {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly clock: Clock;
  /** Reading ended for good: the view only ages from here on. */
  onFailed(error: Error): void;
}

/** What was answered stands for so long, or until a process is heard: it is asked for each call. */
const answerKeptMs = 200;

interface Answered {
  readonly live: readonly Presence[];
  readonly untilMs: number;
}

interface Seen {
  readonly presence: Presence;
  /** See {@link LogTime}. */
  readonly seenMs: number;
}

/**
 * Monotonic time as far as the log was heard: it stands still while nobody is, the reader's own process included. Who
 * could not speak because the log was away has not died, and a jump of the wall clock kills nobody.
 */
class LogTime {
  readonly #clock: Clock;
  #heardAtMs: number;
  #passedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAtMs = clock.monotonicMs();
  }

  nowMs(): number {
    return this.#passedMs + Math.min(logSilentMs, this.#clock.monotonicMs() - this.#heardAtMs);
  }

  heard(): void {
    this.#passedMs = this.nowMs();
    this.#heardAtMs = this.#clock.monotonicMs();
  }
}

/** Opens a view of `presence.v1`. Resolves when reading has begun. Throws `MESSAGING_UNAVAILABLE`. */
export const createPresenceView = async (options: PresenceViewOptions): Promise<PresenceView> => {
  const { messaging, codec, clock } = options;
  const seen = new Map<string, Seen>();
  const time = new LogTime(clock);
  const [end = 0n] = await messaging.admin.endOffsets(topics.presence, 'uncommitted');

  const answered = new Map<string, Answered>();

  const take = (record: InRecord): void => {
    let presence: Presence;
    try {
      presence = codec.decode('presence', record);
    } catch {
      // A newer release's record, or an outsider's: it says nothing that this one understands.
      return;
    }
    answered.clear();
    time.heard();
    if (presence.stopping) {
      seen.delete(presence.process);
      return;
    }
    // Only what was read back can be old; comparing the broker's clock with ours for the others would add its skew.
    const ageMs = record.offset < end ? Math.max(0, clock.nowMs() - record.timestampMs) : 0;
    seen.set(presence.process, { presence, seenMs: time.nowMs() - ageMs });
  };
  const reader = await messaging.own({
    topic: topics.presence,
    partition: 0,
    from: end > readBackRecords ? end - readBackRecords : 'start',
    isolation: 'uncommitted',
    onRecords: (records) => {
      for (const record of records) take(record);
    },
    onFailed: (error) => options.onFailed(error),
  });

  const live = (): Presence[] => {
    const oldestMs = time.nowMs() - presenceAliveMs;
    const alive: Presence[] = [];
    for (const [process, { presence, seenMs }] of seen) {
      if (seenMs >= oldestMs) alive.push(presence);
      else seen.delete(process);
    }
    return alive;
  };
  const liveIn: PresenceView['liveIn'] = (role, pool) => {
    const question = pool === undefined ? role : `${role}/${pool}`;
    const nowMs = clock.monotonicMs();
    const known = answered.get(question);
    if (known !== undefined && nowMs < known.untilMs) return known.live;
    const found = live().filter((each) => each.roles.includes(role) && (pool === undefined || each.pool === pool));
    answered.set(question, { live: found, untilMs: nowMs + answerKeptMs });
    return found;
  };
  return {
    live,
    liveIn,
    close: async () => {
      await reader.close();
    },
  };
};
