import type { ClassKey } from './class-key.ts';

/**
 * The life of a slot, one type per state: `cold → preparing → warm → busy → draining → gone`, and from busy to lent and
 * back while its call waits for calls that it made. A slot that is gone is replaced by a cold one. Transitions are functions of the states they start from, so a wrong one does not compile.
 */

/** Why a sandbox is ended. */
export type DrainReason = 'idle' | 'memory' | 'slot' | 'yield' | 'crashed' | 'build-gone' | 'stopping';

/** Nothing runs here. */
export interface Cold {
  readonly state: 'cold';
  readonly id: number;
}

interface Occupied {
  readonly id: number;
  readonly classKey: ClassKey;
  /** Charged to the pool's memory budget: an estimate first, later what was measured. */
  readonly memoryBytes: number;
  /** Monotonic. */
  readonly preparingSinceMs: number;
}

/** Its sandbox starts and the algorithm loads. */
export interface Preparing extends Occupied {
  readonly state: 'preparing';
}

/** Its sandbox waits for a call. */
export interface Warm extends Occupied {
  readonly state: 'warm';
  readonly idleSinceMs: number;
  readonly runs: number;
}

/** Its sandbox runs a call. */
export interface Busy extends Occupied {
  readonly state: 'busy';
  readonly startedMs: number;
  readonly runs: number;
  /** Set when the sandbox is to end after this call. */
  readonly drain: DrainReason | null;
}

/** Its call waits for calls that it made: until it goes on, its place in the pool belongs to calls of that kind. */
export interface Lent extends Omit<Busy, 'state'> {
  readonly state: 'lent';
}

/** Its sandbox is being ended. */
export interface Draining extends Occupied {
  readonly state: 'draining';
  readonly reason: DrainReason;
}

/** Its sandbox ended. */
export interface Gone {
  readonly state: 'gone';
  readonly id: number;
}

export type Slot = Cold | Preparing | Warm | Busy | Lent | Draining | Gone;

/** A slot that holds, or is about to hold, a sandbox. */
export type Holding = Preparing | Warm | Busy | Lent | Draining;

export const cold = (id: number): Cold => ({ state: 'cold', id });

export const prepare = (
  slot: Cold,
  at: { readonly classKey: ClassKey; readonly memoryBytes: number; readonly nowMs: number },
): Preparing => ({
  state: 'preparing',
  id: slot.id,
  classKey: at.classKey,
  memoryBytes: at.memoryBytes,
  preparingSinceMs: at.nowMs,
});

export const prepared = (slot: Preparing, nowMs: number): Warm => ({
  state: 'warm',
  id: slot.id,
  classKey: slot.classKey,
  memoryBytes: slot.memoryBytes,
  preparingSinceMs: slot.preparingSinceMs,
  idleSinceMs: nowMs,
  runs: 0,
});

export const begin = (slot: Warm, nowMs: number): Busy => ({
  state: 'busy',
  id: slot.id,
  classKey: slot.classKey,
  memoryBytes: slot.memoryBytes,
  preparingSinceMs: slot.preparingSinceMs,
  startedMs: nowMs,
  runs: slot.runs + 1,
  drain: null,
});

export const finish = (slot: Busy, nowMs: number): Warm => ({
  state: 'warm',
  id: slot.id,
  classKey: slot.classKey,
  memoryBytes: slot.memoryBytes,
  preparingSinceMs: slot.preparingSinceMs,
  idleSinceMs: nowMs,
  runs: slot.runs,
});

export const lend = (slot: Busy): Lent => ({ ...slot, state: 'lent' });

export const takeBack = (slot: Lent): Busy => ({ ...slot, state: 'busy' });

/** Ends the sandbox of a busy slot after its present call. The first reason stays. */
export const drainAfter = <Any extends Busy | Lent>(slot: Any, reason: DrainReason): Any =>
  slot.drain === null ? { ...slot, drain: reason } : slot;

export const drain = (slot: Preparing | Warm | Busy | Lent, reason: DrainReason): Draining => ({
  state: 'draining',
  id: slot.id,
  classKey: slot.classKey,
  memoryBytes: slot.memoryBytes,
  preparingSinceMs: slot.preparingSinceMs,
  reason,
});

export const gone = (slot: Preparing | Draining): Gone => ({ state: 'gone', id: slot.id });

/** What the sandbox was measured to use. */
export const measured = <Any extends Holding>(slot: Any, memoryBytes: number): Any => ({ ...slot, memoryBytes });
