import type { ClassKey } from './class-key.ts';
import { cold, type Slot, type Warm } from './slot.ts';

/** The slots of a pool as they are now, and which warm ones of a class wait. The only mutable part of the pool. */
export interface SlotTable {
  /** As many as the pool has, and a further one for each that is lent. */
  readonly slots: readonly Slot[];
  /** Slots whose calls wait for calls that they made. */
  readonly lent: number;
  /** Whether a call from outside may begin in a warm slot: calls that wait for others hold their places against it. */
  admitsOutside(): boolean;
  at(id: number): Slot;
  /** Puts the slot's next state in place. One that is gone is replaced by a cold one. */
  put(slot: Slot): void;
  /** The warm slot of the class that was used last (so that those not needed grow old), or undefined. */
  lastUsed(classKey: ClassKey): Warm | undefined;
  /** True when a sandbox of the class is preparing, warm, or busy. */
  holds(classKey: ClassKey): boolean;
}

export const createSlotTable = (count: number): SlotTable => {
  const slots: Slot[] = Array.from({ length: count }, (_, id) => cold(id));
  const warm = new Map<ClassKey, Warm[]>();
  let lent = 0;

  const removeWarm = (slot: Warm): void => {
    const stack = warm.get(slot.classKey);
    if (stack === undefined) return;
    if (stack.at(-1)?.id === slot.id) stack.pop();
    else stack.splice(stack.findIndex((each) => each.id === slot.id) >>> 0, 1);
    if (stack.length === 0) warm.delete(slot.classKey);
  };
  const addWarm = (slot: Warm): void => {
    const stack = warm.get(slot.classKey);
    if (stack === undefined) warm.set(slot.classKey, [slot]);
    else stack.push(slot);
  };
  const at = (id: number): Slot => {
    const slot = slots[id];
    if (slot === undefined) throw new Error(`there is no slot ${id}`);
    return slot;
  };

  const fit = (): void => {
    while (slots.length < count + lent) slots.push(cold(slots.length));
    while (slots.length > count + lent && slots.at(-1)?.state === 'cold') slots.pop();
  };

  return {
    slots,
    get lent() {
      return lent;
    },
    admitsOutside: () =>
      lent === 0 || slots.filter((slot) => slot.state !== 'cold' && slot.state !== 'gone').length <= count,
    at,
    put: (slot) => {
      const before = at(slot.id);
      if (before.state === 'warm') removeWarm(before);
      if (slot.state === 'warm') addWarm(slot);
      slots[slot.id] = slot.state === 'gone' ? cold(slot.id) : slot;
      if (before.state === 'lent') lent -= 1;
      if (slot.state === 'lent') lent += 1;
      if (slots.length !== count + lent) fit();
    },
    lastUsed: (classKey) => warm.get(classKey)?.at(-1),
    holds: (classKey) =>
      slots.some(
        (slot) =>
          (slot.state === 'busy' || slot.state === 'warm' || slot.state === 'preparing') && slot.classKey === classKey,
      ),
  };
};
