import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Place } from '../../messaging/messaging.ts';
import { type AcceptedCall, type Answers, type KnownCall, resultGraceMs } from './answers.ts';

export interface MemoryAnswersOptions {
  readonly clock: Clock;
  /** Finished calls remembered at most; the oldest are forgotten first. */
  readonly finishedMax: number;
  /** Queued calls remembered at most. */
  readonly queuedMax: number;
}

interface Finished {
  readonly place: Place;
  readonly atMs: number;
  readonly key: string | null;
}

const keyOf = (account: string, idempotencyKey: string): string => `${account}\u0000${idempotencyKey}`;

/** Both maps with their cross references; nothing of the port's contract. */
const createIndex = (options: MemoryAnswersOptions) => {
  const { clock } = options;
  const queued = new Map<string, AcceptedCall>();
  const finished = new Map<string, Finished>();
  const idByKey = new Map<string, string>();

  const dropQueued = (call: AcceptedCall): void => {
    queued.delete(call.id);
    if (call.idempotencyKey !== null) idByKey.delete(keyOf(call.account, call.idempotencyKey));
  };
  const dropFinished = (id: string, entry: Finished): void => {
    finished.delete(id);
    if (entry.key !== null && idByKey.get(entry.key) === id) idByKey.delete(entry.key);
  };
  const isLate = (call: AcceptedCall): boolean => call.deadlineMs + resultGraceMs < clock.nowMs();
  const isOld = (entry: Finished): boolean => entry.atMs < clock.nowMs() - limits.answersKeptMs;

  return {
    queued,
    finished,
    idByKey,
    dropQueued,
    makeRoom: (): void => {
      for (const [id, entry] of finished) {
        if (finished.size <= options.finishedMax && !isOld(entry)) break;
        dropFinished(id, entry);
      }
      for (const call of queued.values()) {
        if (queued.size <= options.queuedMax && !isLate(call)) break;
        dropQueued(call);
      }
    },
    known: (id: string): KnownCall | null => {
      const entry = finished.get(id);
      if (entry !== undefined && !isOld(entry)) return { kind: 'finished', id, place: entry.place };
      const call = queued.get(id);
      if (call === undefined) return null;
      if (!isLate(call)) return { kind: 'queued', call };
      dropQueued(call);
      return null;
    },
  };
};

/** The index in this process's memory, filled from the log: each replica has its own. */
export const createMemoryAnswers = (options: MemoryAnswersOptions): Answers => {
  const { queued, finished, idByKey, dropQueued, makeRoom, known } = createIndex(options);
  return {
    begin: async (call) => {
      if (call.idempotencyKey !== null) {
        const key = keyOf(call.account, call.idempotencyKey);
        const earlier = known(idByKey.get(key) ?? '');
        if (earlier !== null) return await Promise.resolve(earlier);
        idByKey.set(key, call.id);
      }
      queued.set(call.id, call);
      makeRoom();
      return null;
    },
    forget: async (id) => {
      const call = queued.get(id);
      if (call !== undefined) dropQueued(call);
      await Promise.resolve();
    },
    finish: (id, place, key) => {
      queued.delete(id);
      const text = key === null ? null : keyOf(key.account, key.idempotencyKey);
      if (text !== null) idByKey.set(text, id);
      finished.delete(id);
      finished.set(id, { place, atMs: options.clock.nowMs(), key: text });
      makeRoom();
    },
    byId: async (id) => await Promise.resolve(known(id)),
    isQueued: (id) => queued.has(id),
    close: async () => await Promise.resolve(),
  };
};
