import type { SandboxClass } from '../call.ts';
import type { ClassKey } from './class-key.ts';
import type { ClassFigures, ClassQueues } from './class-queues.ts';
import { countByClass, type Demand } from './decide.ts';
import type { Slot } from './slot.ts';

/** A class of which sandboxes are kept warm. */
export interface ReservedClass {
  readonly sandboxClass: SandboxClass;
  readonly min: number;
}

/** What is missing of the reserved sandboxes, as if calls had waited for them since that moment. */
const reservedDemands = (
  reserved: readonly ReservedClass[],
  slots: readonly Slot[],
  { figures, sinceMs }: { readonly figures: ClassFigures; readonly sinceMs: number },
): readonly Demand[] => {
  const counts = countByClass(slots);
  return reserved.flatMap(({ sandboxClass, min }): Demand[] => {
    const { key: classKey } = sandboxClass;
    const { held = 0, preparing = 0 } = counts.get(classKey) ?? {};
    if (held >= min) return [];
    // Those on their way are taken off once more by who decides: they would be for the calls that wait.
    const queued = min - held + preparing;
    return [
      {
        classKey,
        nested: false,
        queued,
        oldestMs: sinceMs,
        // Whoever was called is before them.
        leftMs: sinceMs,
        memoryBytes: figures.expectedBytes(sandboxClass),
      },
    ];
  });
};

/** The calls that wait and the sandboxes that are reserved, as one demand. */
export const demandsWith = (
  reserved: readonly ReservedClass[],
  queues: Pick<ClassQueues, 'classes' | 'demands'>,
  pool: { readonly slots: readonly Slot[]; readonly figures: ClassFigures; readonly sinceMs: number },
): { readonly classes: ReadonlyMap<ClassKey, SandboxClass>; readonly demands: readonly Demand[] } => {
  const kept = reserved.map(({ sandboxClass }) => [sandboxClass.key, sandboxClass] as const);
  return {
    classes: new Map([...kept, ...queues.classes()]),
    demands: [...queues.demands(pool.figures), ...reservedDemands(reserved, pool.slots, pool)],
  };
};
