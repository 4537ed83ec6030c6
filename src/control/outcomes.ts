import type { StoredOutcome } from '../messaging/command-outcome.ts';

export interface OutcomeLimits {
  readonly countMax: number;
  readonly keptMs: number;
}

/** How long answers to commands are remembered, so that a repeated command is answered as the first was. */
export const outcomeLimits: OutcomeLimits = { countMax: 100_000, keptMs: 24 * 3600 * 1000 };

/** Outcomes by command id, oldest first. Changes only by what is committed. */
export interface OutcomeMemory {
  get(id: string): StoredOutcome | undefined;
  /** Ids that need no longer be kept once `arriving` more come in; at most `max` at a time. */
  expired(nowMs: number, arriving: number, max: number): readonly string[];
  commit(change: { readonly remembered: readonly StoredOutcome[]; readonly forgotten: readonly string[] }): void;
}

/** Makes the memory of what was read from the log, in any order. */
export const createOutcomeMemory = (known: readonly StoredOutcome[], limits: OutcomeLimits): OutcomeMemory => {
  const oldestFirst = [...known].sort((a, b) => a.atMs - b.atMs);
  const outcomes = new Map(oldestFirst.map((outcome) => [outcome.id, outcome]));
  return {
    get: (id) => outcomes.get(id),
    expired: (nowMs, arriving, max) => {
      const ids: string[] = [];
      let excess = outcomes.size + arriving - limits.countMax;
      for (const { id, atMs } of outcomes.values()) {
        if (ids.length >= max || (excess <= 0 && nowMs - atMs < limits.keptMs)) break;
        ids.push(id);
        excess -= 1;
      }
      return ids;
    },
    commit: ({ remembered, forgotten }) => {
      for (const id of forgotten) outcomes.delete(id);
      for (const outcome of remembered) outcomes.set(outcome.id, outcome);
    },
  };
};
