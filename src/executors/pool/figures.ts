import type { SandboxClass } from '../call.ts';
import { buildKeyOf } from './memory-book.ts';
import type { Slot } from './slot.ts';

/** What the slots of a pool hold at one moment. */
export interface Figures {
  readonly busy: number;
  /** Sandboxes that are warm, busy or lent, by `ALGORITHM_ID@BUILD`. */
  readonly warm: Readonly<Record<string, number>>;
  readonly memoryBytes: number;
}

export const figuresOf = (slots: readonly Slot[], classOf: (slotId: number) => SandboxClass | undefined): Figures => {
  const warm: Record<string, number> = {};
  let busy = 0;
  let memoryBytes = 0;
  for (const slot of slots) {
    if (slot.state === 'cold' || slot.state === 'gone') continue;
    memoryBytes += slot.memoryBytes;
    if (slot.state === 'busy') busy += 1;
    const sandboxClass = classOf(slot.id);
    if (sandboxClass === undefined || slot.state === 'preparing' || slot.state === 'draining') continue;
    const key = buildKeyOf(sandboxClass);
    warm[key] = (warm[key] ?? 0) + 1;
  }
  return { busy, warm, memoryBytes };
};
