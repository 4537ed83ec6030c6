import type { Failures } from './back-off.ts';
import type { ClassKey } from './class-key.ts';
import type { Busy, Cold, DrainReason, Slot, Warm } from './slot.ts';

/** Calls of one class and one origin that wait for a sandbox. */
export interface Demand {
  readonly classKey: ClassKey;
  /** Made by running calls: they may take the places of those that wait for them. */
  readonly nested: boolean;
  readonly queued: number;
  /** Monotonic: since when the first of them waits. */
  readonly oldestMs: number;
  /** Monotonic: when a sandbox of the class was ended last; minus infinity: not lately. */
  readonly leftMs: number;
  /** What one more sandbox of the class is expected to use. */
  readonly memoryBytes: number;
}

export interface PoolPolicy {
  readonly memoryBudgetBytes: number;
  readonly idleExpiryMs: number;
  /** A class that has a sandbox gets a further one when its calls wait longer than this. */
  readonly growAfterMs: number;
  /** A class without a sandbox may take one from a class that has more than its share after this. */
  readonly yieldAfterMs: number;
  /** Sandboxes of the class that are kept although idle. */
  reserved(classKey: ClassKey): number;
}

export interface PoolState {
  readonly nowMs: number;
  /** Slots that may be in use at once; those that are lent count for calls from outside only. */
  readonly capacity: number;
  readonly slots: readonly Slot[];
  readonly demands: readonly Demand[];
  readonly failures: ReadonlyMap<ClassKey, Failures>;
}

export type Decision =
  /** Start a sandbox of the class in this cold slot. */
  | { readonly kind: 'prepare'; readonly slotId: number; readonly classKey: ClassKey; readonly memoryBytes: number }
  /** End the sandbox of this slot: a warm one now, a busy one after its call. */
  | { readonly kind: 'drain'; readonly slotId: number; readonly reason: DrainReason };

interface Counts {
  /** Preparing, warm and busy ones that will stay. */
  readonly held: number;
  readonly preparing: number;
  readonly busy: number;
}

const none: Counts = { held: 0, preparing: 0, busy: 0 };

/** Sandboxes by class, without those that are on their way out. */
export const countByClass = (slots: readonly Slot[]): ReadonlyMap<ClassKey, Counts> => {
  const counts = new Map<ClassKey, Counts>();
  for (const slot of slots) {
    if (slot.state !== 'preparing' && slot.state !== 'warm' && slot.state !== 'busy') continue;
    if (slot.state === 'busy' && slot.drain !== null) continue;
    const count = counts.get(slot.classKey) ?? none;
    counts.set(slot.classKey, {
      held: count.held + 1,
      preparing: count.preparing + (slot.state === 'preparing' ? 1 : 0),
      busy: count.busy + (slot.state === 'busy' ? 1 : 0),
    });
  }
  return counts;
};

const heldOf = (counts: ReadonlyMap<ClassKey, Counts>, classKey: ClassKey): number => counts.get(classKey)?.held ?? 0;

/** Slots in use, and those that are lent. */
const placesTaken = (slots: readonly Slot[]): { readonly inUse: number; readonly lent: number } => {
  const lent = slots.filter((slot) => slot.state === 'lent').length;
  return { inUse: slots.filter((slot) => slot.state !== 'cold' && slot.state !== 'gone').length - lent, lent };
};

/** Memory charged to the slots, those on their way out included: it is not free before they are gone. */
export const memoryUsed = (slots: readonly Slot[]): number =>
  slots.reduce((sum, slot) => sum + (slot.state === 'cold' || slot.state === 'gone' ? 0 : slot.memoryBytes), 0);

/**
 * Whether the class should get one more sandbox now: the first at once; a further one when its calls have waited for
 * a while and there are more of them than sandboxes on their way.
 */
export const wantsMore = (demand: Demand, counts: Counts | undefined, policy: PoolPolicy, nowMs: number): boolean => {
  const { held, preparing } = counts ?? none;
  if (demand.queued <= preparing) return false;
  return held === 0 || nowMs - demand.oldestMs >= policy.growAfterMs;
};

/**
 * Order in which classes are served: calls that running calls wait for first; then those without a sandbox first, of these the one that has had none for longest, so
 * that classes that share a slot take turns however long their queues are; then by waiting calls per sandbox, then by age.
 */
export const byNeed =
  (counts: ReadonlyMap<ClassKey, Counts>) =>
  (a: Demand, b: Demand): number => {
    if (a.nested !== b.nested) return a.nested ? -1 : 1;
    const [heldA, heldB] = [heldOf(counts, a.classKey), heldOf(counts, b.classKey)];
    if ((heldA === 0) !== (heldB === 0)) return heldA === 0 ? -1 : 1;
    if (heldA === 0 && a.leftMs !== b.leftMs) return a.leftMs < b.leftMs ? -1 : 1;
    const difference = heldA === 0 ? 0 : b.queued / heldB - a.queued / heldA;
    return difference === 0 ? a.oldestMs - b.oldestMs : difference;
  };

/** Warm sandboxes that may be taken for others: longest idle first, none that is reserved or wanted by its own class. */
export const evictable = (state: PoolState, policy: PoolPolicy, forClass: ClassKey): readonly Warm[] => {
  const waiting = new Set(state.demands.filter((each) => each.queued > 0).map((each) => each.classKey));
  const left = new Map([...countByClass(state.slots)].map(([key, { held }]) => [key, held]));
  const found: Warm[] = [];
  const warm = state.slots.filter((slot): slot is Warm => slot.state === 'warm');
  for (const slot of warm.toSorted((a, b) => a.idleSinceMs - b.idleSinceMs)) {
    if (slot.classKey === forClass || waiting.has(slot.classKey)) continue;
    const held = left.get(slot.classKey) ?? 0;
    if (held <= policy.reserved(slot.classKey)) continue;
    left.set(slot.classKey, held - 1);
    found.push(slot);
  }
  return found;
};

/** Warm sandboxes that nobody called for long, beyond the reserved ones. */
export const expired = (state: PoolState, policy: PoolPolicy): readonly Warm[] =>
  evictable({ ...state, demands: [] }, policy, '').filter(
    (slot) => state.nowMs - slot.idleSinceMs >= policy.idleExpiryMs,
  );

/** Idle sandboxes beyond the pool's places, which calls that went on after waiting for others brought about. */
const surplus = (state: PoolState, policy: PoolPolicy): readonly Warm[] => {
  const over = placesTaken(state.slots).inUse - state.capacity;
  return over <= 0 ? [] : evictable(state, policy, '').slice(0, over);
};

/**
 * The busy sandbox that has to make room for a class that has none: one of the class that holds most, if it holds
 * more than its share; when there are more classes than slots, the one that was occupied longest.
 */
export const yielding = (state: PoolState, waiting: Demand, policy: PoolPolicy): Busy | null => {
  if (state.nowMs - waiting.oldestMs < policy.yieldAfterMs) return null;
  if (state.slots.some((slot) => slot.state === 'draining' || (slot.state === 'busy' && slot.drain !== null)))
    return null;
  const counts = countByClass(state.slots);
  const busy = state.slots.filter(
    (slot): slot is Busy =>
      slot.state === 'busy' &&
      slot.classKey !== waiting.classKey &&
      state.nowMs - slot.preparingSinceMs >= policy.yieldAfterMs &&
      (counts.get(slot.classKey)?.held ?? 0) > policy.reserved(slot.classKey),
  );
  const [first] = busy.toSorted(
    (a, b) =>
      (counts.get(b.classKey)?.held ?? 0) - (counts.get(a.classKey)?.held ?? 0) ||
      a.preparingSinceMs - b.preparingSinceMs,
  );
  return first ?? null;
};

/**
 * Warm sandboxes that may make room for one more of that class. For its first, any. For a further one, only what nobody
 * called for a while, or what is more than an even share: a class whose calls come one after the other has moments in
 * which none waits, and would lose all its sandboxes in them, to wait for a first one again.
 */
const victims = (state: PoolState, demand: Demand, policy: PoolPolicy): readonly Warm[] => {
  const counts = countByClass(state.slots);
  const own = heldOf(counts, demand.classKey);
  const left = new Map([...counts].map(([key, { held }]) => [key, held]));
  return evictable(state, policy, demand.classKey).filter(({ classKey, idleSinceMs }) => {
    const held = left.get(classKey) ?? 0;
    const mayGo = own === 0 || held > own + 1 || state.nowMs - idleSinceMs >= policy.yieldAfterMs;
    if (mayGo) left.set(classKey, held - 1);
    return mayGo;
  });
};

/** Idle sandboxes to end so that a new one has a slot and memory, given what is being freed already. */
const victimsFor = (state: PoolState, demand: Demand, policy: PoolPolicy, room: Room): readonly Warm[] => {
  const found: Warm[] = [];
  let freedBytes = room.leavingBytes;
  for (const slot of victims(state, demand, policy)) {
    const hasSlot = found.length + room.leaving >= room.overSlots;
    if (hasSlot && freedBytes >= room.overBytes) break;
    found.push(slot);
    freedBytes += slot.memoryBytes;
  }
  // Places are not made one by one for who needs several: those who wait for their calls come back first.
  return found.length + room.leaving >= room.overSlots ? found : [];
};

/** What there is for one more sandbox. */
interface Room {
  readonly free: Cold | undefined;
  /** Slots that are missing; zero or less: there is one. */
  readonly overSlots: number;
  /** Memory that is missing; zero or less: it fits. */
  readonly overBytes: number;
  /** Slots and memory that are being freed. */
  readonly leaving: number;
  readonly leavingBytes: number;
}

const roomFor = (state: PoolState, demand: Demand, policy: PoolPolicy): Room => {
  const leaving = state.slots.filter((slot) => slot.state === 'draining');
  const { inUse, lent } = placesTaken(state.slots);
  return {
    free: state.slots.find((slot) => slot.state === 'cold'),
    overSlots: inUse + (demand.nested ? 0 : lent) + 1 - state.capacity,
    overBytes: memoryUsed(state.slots) + demand.memoryBytes - policy.memoryBudgetBytes,
    leaving: leaving.length,
    leavingBytes: memoryUsed(leaving),
  };
};

/** What is being freed suffices. */
const isComing = (room: Room): boolean =>
  room.leaving > 0 && room.leaving >= room.overSlots && room.overBytes <= room.leavingBytes;

/** What one class gets, given the slots as they would be after the decisions so far. */
const serve = (state: PoolState, demand: Demand, policy: PoolPolicy): readonly Decision[] => {
  const { classKey, memoryBytes } = demand;
  const room = roomFor(state, demand, policy);
  const { free } = room;
  if (free !== undefined && room.overSlots <= 0 && (room.overBytes <= 0 || isEmpty(state))) {
    return [{ kind: 'prepare', slotId: free.id, classKey, memoryBytes }];
  }
  if (isComing(room)) return [];
  const ended = victimsFor(state, demand, policy, room);
  if (ended.length > 0) {
    const reason = room.overSlots > 0 ? 'slot' : 'memory';
    return ended.map(({ id }) => ({ kind: 'drain', slotId: id, reason }));
  }
  if (room.overSlots > 1 || heldOf(countByClass(state.slots), classKey) > 0) return [];
  const busy = yielding(state, demand, policy);
  return busy === null ? [] : [{ kind: 'drain', slotId: busy.id, reason: 'yield' }];
};

/** An empty pool also runs a class that is larger than the whole budget: its sandbox's own limit bounds it. */
const isEmpty = (state: PoolState): boolean =>
  state.slots.every((slot) => slot.state === 'cold' || slot.state === 'gone');

const applied = (slots: readonly Slot[], decision: Decision, nowMs: number): readonly Slot[] =>
  slots.map((slot): Slot => {
    if (slot.id !== decision.slotId) return slot;
    if (decision.kind === 'prepare') {
      const { classKey, memoryBytes } = decision;
      return { state: 'preparing', id: slot.id, classKey, memoryBytes, preparingSinceMs: nowMs };
    }
    if (slot.state === 'busy') return { ...slot, drain: decision.reason };
    return slot.state === 'warm' ? { ...slot, state: 'draining', reason: decision.reason } : slot;
  });

const neediest = (state: PoolState, passed: ReadonlySet<Demand>, policy: PoolPolicy): Demand | undefined => {
  const counts = countByClass(state.slots);
  return state.demands
    .filter((each) => !passed.has(each) && wantsMore(each, counts.get(each.classKey), policy, state.nowMs))
    .toSorted(byNeed(counts))[0];
};

/**
 * What the pool does next. Pure: the same state gives the same decisions. Never starts more sandboxes than there are
 * cold slots, never more of a class than it has calls, none of a class that is backing off, and stays within the
 * memory budget unless a single sandbox alone exceeds it.
 */
export const decide = (state: PoolState, policy: PoolPolicy): readonly Decision[] => {
  const decisions: Decision[] = expired(state, policy)
    .filter((slot) => !state.demands.some((each) => each.classKey === slot.classKey && each.queued > 0))
    .map(({ id }) => ({ kind: 'drain', slotId: id, reason: 'idle' }));
  let slots = state.slots;
  for (const decision of decisions) slots = applied(slots, decision, state.nowMs);
  const over = surplus({ ...state, slots }, policy).map(
    ({ id }): Decision => ({ kind: 'drain', slotId: id, reason: 'slot' }),
  );
  for (const decision of over) slots = applied(slots, decision, state.nowMs);
  decisions.push(...over);
  const open = state.demands.filter(
    ({ classKey, queued }) => queued > 0 && (state.failures.get(classKey)?.untilMs ?? 0) <= state.nowMs,
  );
  const passed = new Set<Demand>();
  // Each round either starts a sandbox (bounded by the slots) or passes a class over (bounded by the classes).
  for (let round = 0; round < state.slots.length + open.length; round += 1) {
    const demand = neediest({ ...state, slots, demands: open }, passed, policy);
    if (demand === undefined) break;
    const served = serve({ ...state, slots }, demand, policy);
    for (const decision of served) slots = applied(slots, decision, state.nowMs);
    decisions.push(...served);
    // One that has to wait for room holds up no class that fits.
    if (!served.some((each) => each.kind === 'prepare')) passed.add(demand);
  }
  return decisions;
};

/**
 * True when all that takes up the pool waits for calls of which none gets a sandbox: no more memory comes free by itself.
 * `decisions` are those of this state.
 */
export const isStuck = (state: PoolState, decisions: readonly Decision[]): boolean => {
  const { inUse, lent } = placesTaken(state.slots);
  return (
    decisions.length === 0 &&
    inUse === 0 &&
    lent > 0 &&
    state.demands.some(({ classKey, nested }) => nested && (state.failures.get(classKey)?.untilMs ?? 0) <= state.nowMs)
  );
};
