import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../kernel/clock.ts';
import { createLaneDemand, laneOf, lanesFor, partitionOfLane } from './lanes.ts';

const algorithmId = '00000000-0000-4000-8000-000000000001';
const build = 'a'.repeat(40);

const createTestClock = () => {
  let nowMs = 0;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => () => {} };
  return { clock, pass: (durationMs: number) => (nowMs += durationMs) };
};

describe('lanes', () => {
  it('are named by version and number', () => {
    expect(laneOf({ algorithmId, build, lanes: 4, spread: 6 })).toBe(`${algorithmId}@${build}#2`);
  });

  it('of one version stand on as many partitions', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 64 }), (id, partitions) => {
        const places = Array.from({ length: partitions }, (_, spread) =>
          partitionOfLane(laneOf({ algorithmId: id, build, lanes: partitions, spread }), partitions),
        );
        expect(new Set(places).size).toBe(partitions);
        expect(Math.max(...places)).toBeLessThan(partitions);
      }),
    );
  });

  it('reach every executor, however the partitions are dealt out in runs', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 2, max: 12 }), (id, executors) => {
        const partitions = 12;
        const lanes = lanesFor({ inFlight: executors, executors, partitions });
        const owners = Array.from({ length: lanes }, (_, spread) => {
          const partition = partitionOfLane(laneOf({ algorithmId: id, build, lanes, spread }), partitions);
          return Math.floor((partition * executors) / partitions);
        });
        expect(new Set(owners).size).toBe(executors);
      }),
    );
  });

  it.each([
    [1, 8, 1],
    [2, 8, 4],
    [4, 3, 6],
    [100, 8, 12],
    [100, 1, 1],
    [600, 1, 3],
    [100_000, 1, 12],
  ])('for %i calls in flight on %i executors are %i', (inFlight, executors, lanes) => {
    expect(lanesFor({ inFlight, executors, partitions: 12 })).toBe(lanes);
  });
});

describe('the demand for lanes', () => {
  const call = { algorithmId, build, executors: 4, partitions: 12 };

  it('keeps calls that come one at a time on one lane', () => {
    const demand = createLaneDemand({ clock: createTestClock().clock });
    const lanes = Array.from({ length: 20 }, () => {
      const { lane } = demand.begin(call);
      demand.end(call);
      return lane;
    });
    expect(new Set(lanes).size).toBe(1);
  });

  it('spreads a hot version, evenly', () => {
    const demand = createLaneDemand({ clock: createTestClock().clock });
    const placed = Array.from({ length: 100 }, () => demand.begin(call));
    const counts = new Map<number, number>();
    for (const { partition } of placed.slice(20)) counts.set(partition, (counts.get(partition) ?? 0) + 1);
    expect(counts.size).toBe(8);
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  });

  it('keeps lanes between bursts and gives them back after a while', () => {
    const { clock, pass } = createTestClock();
    const demand = createLaneDemand({ clock });
    const lanesNow = (): number => {
      const placed = Array.from({ length: 12 }, () => {
        const { lane } = demand.begin(call);
        demand.end(call);
        return lane;
      });
      return new Set(placed).size;
    };
    for (let at = 0; at < 16; at += 1) demand.begin(call);
    for (let at = 0; at < 16; at += 1) demand.end(call);
    expect(lanesNow()).toBe(8);
    pass(60_000);
    expect(lanesNow()).toBe(1);
  });

  it('forgets versions that nobody calls', () => {
    const { clock, pass } = createTestClock();
    const demand = createLaneDemand({ clock });
    demand.begin(call);
    demand.end(call);
    pass(120_000);
    demand.begin({ ...call, build: 'b'.repeat(40) });
    expect(demand.versions).toBe(1);
  });
});
