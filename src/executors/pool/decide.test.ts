import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Failures, failedOnceMore } from './back-off.ts';
import {
  countByClass,
  type Decision,
  type Demand,
  decide,
  memoryUsed,
  type PoolPolicy,
  type PoolState,
} from './decide.ts';
import { type Busy, begin, cold, drain, prepare, prepared, type Slot, type Warm } from './slot.ts';

const policy: PoolPolicy = {
  memoryBudgetBytes: 1_000,
  idleExpiryMs: 10_000,
  growAfterMs: 20,
  yieldAfterMs: 1_000,
  reserved: () => 0,
};
const noFailures: ReadonlyMap<string, Failures> = new Map();

const warm = (id: number, classKey: string, idleSinceMs: number, memoryBytes = 100): Warm => ({
  ...prepared(prepare(cold(id), { classKey, memoryBytes, nowMs: 0 }), 0),
  idleSinceMs,
});
const busy = (id: number, classKey: string, preparingSinceMs = 0): Busy => ({
  ...begin(warm(id, classKey, 0), 0),
  preparingSinceMs,
});
const demand = (classKey: string, queued = 1, oldestMs = 0, memoryBytes = 100): Demand => ({
  classKey,
  nested: false,
  queued,
  oldestMs,
  leftMs: Number.NEGATIVE_INFINITY,
  memoryBytes,
});
const state = (slots: readonly Slot[], demands: readonly Demand[], nowMs = 100): PoolState => ({
  nowMs,
  capacity: slots.length,
  slots,
  demands,
  failures: noFailures,
});
const prepares = (decisions: readonly Decision[]) =>
  decisions.flatMap((each) => (each.kind === 'prepare' ? [each.classKey] : []));
const drains = (decisions: readonly Decision[]) =>
  decisions.flatMap((each) => (each.kind === 'drain' ? [each.slotId] : []));

describe('deciding what a pool does next', () => {
  it('starts the first sandbox of a class at once', () => {
    expect(prepares(decide(state([cold(0)], [demand('a', 1, 100)]), policy))).toEqual(['a']);
  });

  it('starts a further one only when calls have waited for a while', () => {
    const slots = [busy(0, 'a'), cold(1)];
    expect(decide(state(slots, [demand('a', 1, 95)]), policy)).toEqual([]);
    expect(prepares(decide(state(slots, [demand('a', 1, 50)]), policy))).toEqual(['a']);
  });

  it('starts no more sandboxes of a class than it has calls waiting', () => {
    const slots = [cold(0), cold(1), cold(2), cold(3)];
    expect(prepares(decide(state(slots, [demand('a', 2)]), policy))).toEqual(['a', 'a']);
  });

  it('serves classes without a sandbox before those that want more', () => {
    const slots = [busy(0, 'a'), cold(1)];
    expect(prepares(decide(state(slots, [demand('a', 50, 0), demand('b', 1, 99)]), policy))).toEqual(['b']);
  });

  it('serves the class with most calls per sandbox when all have one', () => {
    const slots = [busy(0, 'a'), busy(1, 'b'), cold(2)];
    expect(prepares(decide(state(slots, [demand('a', 2), demand('b', 9)]), policy))).toEqual(['b']);
  });

  it('ends the sandbox that is idle for longest when all slots are taken', () => {
    const slots = [warm(0, 'a', 50), warm(1, 'b', 10), busy(2, 'c')];
    expect(decide(state(slots, [demand('d')]), policy)).toEqual([{ kind: 'drain', slotId: 1, reason: 'slot' }]);
  });

  it('ends no sandbox that was in use a moment ago for a further one of a class that has its share', () => {
    const even = [busy(0, 'a'), busy(1, 'a'), warm(2, 'b', 95), warm(3, 'b', 90)];
    expect(decide(state(even, [demand('a', 9)]), policy)).toEqual([]);
    expect(drains(decide(state(even, [demand('a', 9)], 1_092), policy))).toEqual([3]);
    const uneven = [busy(0, 'a'), warm(1, 'b', 95), warm(2, 'b', 90), warm(3, 'b', 92)];
    expect(drains(decide(state(uneven, [demand('a', 9)]), policy))).toEqual([2]);
    expect(drains(decide(state(even, [demand('c')]), policy))).toEqual([3]);
  });

  it('waits for a slot that is being freed instead of ending another', () => {
    const slots = [warm(0, 'a', 50), drain(warm(1, 'b', 10), 'slot')];
    expect(decide(state(slots, [demand('d')]), policy)).toEqual([]);
  });

  it('ends idle sandboxes until a new one fits into the memory budget', () => {
    const slots = [warm(0, 'a', 1, 400), warm(1, 'b', 2, 300), warm(2, 'c', 3, 300), cold(3)];
    expect(decide(state(slots, [demand('d', 1, 0, 600)]), policy)).toEqual([
      { kind: 'drain', slotId: 0, reason: 'memory' },
      { kind: 'drain', slotId: 1, reason: 'memory' },
    ]);
  });

  it('runs a class alone that is larger than the whole budget', () => {
    expect(prepares(decide(state([cold(0)], [demand('a', 1, 0, 5_000)]), policy))).toEqual(['a']);
  });

  it('ends sandboxes that nobody called for the idle time, and keeps the reserved ones', () => {
    const slots = [warm(0, 'a', 0), warm(1, 'a', 1)];
    expect(drains(decide(state(slots, [], 20_000), policy))).toEqual([0, 1]);
    expect(drains(decide(state(slots, [], 20_000), { ...policy, reserved: () => 1 }))).toEqual([0]);
  });

  it('lets a class without a sandbox take one from the class that holds most', () => {
    const slots = [busy(0, 'a', 5), busy(1, 'a', 3), busy(2, 'b', 1)];
    expect(decide(state(slots, [demand('c', 1, 0), demand('a', 9)], 5_000), policy)).toEqual([
      { kind: 'drain', slotId: 1, reason: 'yield' },
    ]);
    expect(decide(state(slots, [demand('c', 1, 4_500), demand('a', 9, 4_990)], 5_000), policy)).toEqual([]);
  });

  it('gives a free slot to the class that had none for longest, although older calls of another wait', () => {
    const served = { ...demand('a', 9, 0), leftMs: 95 };
    expect(prepares(decide(state([cold(0)], [served, demand('b', 1, 90)]), policy))).toEqual(['b']);
    expect(prepares(decide(state([cold(0)], [served, { ...demand('b', 1, 90), leftMs: 96 }]), policy))).toEqual(['a']);
  });

  it('starts nothing for a class that is backing off', () => {
    const failures = new Map([['a', failedOnceMore(undefined, 0)]]);
    expect(decide({ ...state([cold(0)], [demand('a')]), failures }, policy)).toEqual([]);
    expect(prepares(decide({ ...state([cold(0)], [demand('a')], 501), failures }, policy))).toEqual(['a']);
  });
});

describe('backing off', () => {
  it('doubles from half a second up to a minute', () => {
    let failures = failedOnceMore(undefined, 0);
    const waits = [failures.untilMs];
    for (let count = 0; count < 8; count += 1) {
      failures = failedOnceMore(failures, 0);
      waits.push(failures.untilMs);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });
});

const classKey = fc.constantFrom('a', 'b', 'c', 'd');
const anySlot = (id: number): fc.Arbitrary<Slot> =>
  fc
    .record({
      kind: fc.constantFrom('cold', 'preparing', 'warm', 'busy', 'draining'),
      classKey,
      at: fc.nat(20_000),
      memoryBytes: fc.integer({ min: 1, max: 500 }),
    })
    .map((each): Slot => {
      const preparing = prepare(cold(id), { classKey: each.classKey, memoryBytes: each.memoryBytes, nowMs: each.at });
      if (each.kind === 'cold') return cold(id);
      if (each.kind === 'preparing') return preparing;
      if (each.kind === 'draining') return drain(preparing, 'slot');
      const idle = prepared(preparing, each.at);
      return each.kind === 'warm' ? idle : begin(idle, each.at);
    });
const anyState: fc.Arbitrary<PoolState> = fc
  .tuple(
    fc.integer({ min: 1, max: 8 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, id) => anySlot(id)))),
    fc.uniqueArray(
      fc.record({
        classKey,
        nested: fc.boolean(),
        queued: fc.nat(20),
        leftMs: fc.constantFrom(Number.NEGATIVE_INFINITY, 10, 90),
        oldestMs: fc.nat(20_000),
        memoryBytes: fc.integer({ min: 1, max: 500 }),
      }),
      { selector: (each) => each.classKey },
    ),
  )
  .map(([slots, demands]) => state(slots, demands, 20_000));

describe('any decision of a pool', () => {
  it('prepares only cold slots, each once, and only for classes that have calls waiting', () => {
    fc.assert(
      fc.property(anyState, (any) => {
        const taken = decide(any, policy).flatMap((each) => (each.kind === 'prepare' ? [each] : []));
        expect(new Set(taken.map((each) => each.slotId)).size).toBe(taken.length);
        for (const each of taken) {
          expect(any.slots.find((slot) => slot.id === each.slotId)?.state).toBe('cold');
          expect(any.demands.find((wanted) => wanted.classKey === each.classKey)?.queued).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('never has more sandboxes of a class on their way than calls waiting', () => {
    fc.assert(
      fc.property(anyState, (any) => {
        for (const { classKey: key, queued } of any.demands) {
          const more = prepares(decide(any, policy)).filter((each) => each === key).length;
          if (more > 0) expect((countByClass(any.slots).get(key)?.preparing ?? 0) + more).toBeLessThanOrEqual(queued);
        }
      }),
    );
  });

  it('stays within the memory budget unless the pool was empty', () => {
    fc.assert(
      fc.property(anyState, (any) => {
        const more = decide(any, policy).flatMap((each) => (each.kind === 'prepare' ? [each.memoryBytes] : []));
        if (more.length === 0) return;
        const usedBytes = memoryUsed(any.slots) + more.reduce((sum, each) => sum + each, 0);
        expect(usedBytes <= policy.memoryBudgetBytes || (memoryUsed(any.slots) === 0 && more.length === 1)).toBe(true);
      }),
    );
  });

  it('ends no sandbox whose class has calls waiting, but to make room for a class without one', () => {
    fc.assert(
      fc.property(anyState, (any) => {
        const counts = countByClass(any.slots);
        for (const each of decide(any, policy)) {
          if (each.kind !== 'drain' || each.reason === 'yield') continue;
          const slot = any.slots.find((one) => one.id === each.slotId);
          const key = slot?.state === 'warm' ? slot.classKey : 'none';
          expect(any.demands.find((wanted) => wanted.classKey === key)?.queued ?? 0).toBe(0);
        }
        const yields = decide(any, policy).filter((each) => each.kind === 'drain' && each.reason === 'yield');
        expect(yields.length).toBeLessThanOrEqual(1);
        if (yields.length > 0) expect(any.demands.some((wanted) => !counts.has(wanted.classKey))).toBe(true);
      }),
    );
  });
});
