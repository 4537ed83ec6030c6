import type { Clock } from '../../kernel/clock.ts';
import type { RunError } from '../../kernel/contracts/contracts.gen.ts';
import type { OpenFailure } from '../session.ts';
import { type Failures, failedOnceMore } from './back-off.ts';
import type { ClassKey } from './class-key.ts';

/** A class nobody called for so long after its last failure is forgotten. */
const keptMs = 600_000;
/** The machine's own failures are kept from callers so often: their calls wait for a better moment. */
const platformFailuresHidden = 3;

interface Entry extends Failures {
  readonly failure: OpenFailure;
}

/** Preparations that failed, by class. */
export interface FailureBook {
  readonly all: ReadonlyMap<ClassKey, Failures>;
  add(classKey: ClassKey, failure: OpenFailure): void;
  forget(classKey: ClassKey): void;
  /** What to answer to calls of the class while it backs off; null: they may wait. */
  answerFor(classKey: ClassKey): RunError | null;
  forgetOld(): void;
}

export const createFailureBook = (clock: Clock): FailureBook => {
  const entries = new Map<ClassKey, Entry>();
  return {
    all: entries,
    add: (classKey, failure) => {
      entries.set(classKey, { ...failedOnceMore(entries.get(classKey), clock.monotonicMs()), failure });
    },
    forget: (classKey) => {
      entries.delete(classKey);
    },
    answerFor: (classKey) => {
      const entry = entries.get(classKey);
      if (entry === undefined || clock.monotonicMs() >= entry.untilMs) return null;
      const { failure, count } = entry;
      return failure.kind === 'load' || count >= platformFailuresHidden ? failure.error : null;
    },
    forgetOld: () => {
      const oldestMs = clock.monotonicMs() - keptMs;
      for (const [key, { untilMs }] of entries) if (untilMs < oldestMs) entries.delete(key);
    },
  };
};
