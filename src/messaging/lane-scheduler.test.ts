import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLaneScheduler } from './lane-scheduler.ts';
import { createOrderedLanes } from './ordered-lanes.ts';

describe('the lane scheduler', () => {
  it('serves waiting lanes in turn and keeps the order in each', () => {
    const scheduler = createLaneScheduler<number>();
    for (const [lane, item] of [
      ['a', 1],
      ['a', 2],
      ['a', 3],
      ['b', 4],
      ['b', 5],
    ] as const)
      scheduler.offer(lane, item);
    const served = Array.from({ length: 6 }, () => scheduler.takeNext()?.item);
    expect(served).toEqual([1, 4, 2, 5, 3, undefined]);
  });

  it('never loses, repeats or reorders an item, whatever is offered, taken and removed', () => {
    const lane = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('offer' as const), lane }),
      fc.record({ kind: fc.constant('take' as const), lane }),
      fc.record({ kind: fc.constant('remove' as const), lane }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const scheduler = createLaneScheduler<number>();
        const model = new Map<string, number[]>();
        for (const [item, given] of steps.entries()) {
          const queue = model.get(given.lane) ?? [];
          model.set(given.lane, queue);
          if (given.kind === 'offer') {
            scheduler.offer(given.lane, item);
            queue.push(item);
          } else if (given.kind === 'take') expect(scheduler.take(given.lane)).toBe(queue.shift());
          else {
            const removed = scheduler.remove((each) => each % 3 === 0).sort((a, b) => a - b);
            const expected = [...model.values()].flat().filter((each) => each % 3 === 0);
            for (const [name, items] of model)
              model.set(
                name,
                items.filter((each) => each % 3 !== 0),
              );
            expect(removed).toEqual(expected.sort((a, b) => a - b));
          }
          expect(scheduler.size).toBe([...model.values()].flat().length);
        }
      }),
    );
  });

  it('refuses items above its bound and passes lanes over that are not admitted', () => {
    const scheduler = createLaneScheduler<number>({ itemsMax: 2 });
    expect([scheduler.offer('a', 1), scheduler.offer('b', 2), scheduler.offer('a', 3)]).toEqual([true, true, false]);
    expect(scheduler.takeNext((lane) => lane !== 'a')).toEqual({ lane: 'b', item: 2 });
    expect([...scheduler.lanes()]).toEqual(['a']);
  });
});

describe('ordered lanes', () => {
  it('run one item per lane at a time, lanes beside each other up to the width', async () => {
    const running = new Map<string, number>();
    const done: string[] = [];
    let most = 0;
    const lanes = createOrderedLanes<string>({
      width: 2,
      run: async (item) => {
        const lane = item.charAt(0);
        running.set(lane, (running.get(lane) ?? 0) + 1);
        expect(running.get(lane)).toBe(1);
        most = Math.max(most, lanes.running);
        await Promise.resolve();
        running.set(lane, 0);
        done.push(item);
      },
      onFailed: (error) => {
        throw error;
      },
    });
    for (const item of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']) lanes.offer(item.charAt(0), item);
    expect(lanes.remove((item) => item === 'a2')).toEqual(['a2']);
    await lanes.idle();
    expect(most).toBe(2);
    expect(done.filter((item) => item.startsWith('a'))).toEqual(['a1', 'a3']);
    expect(done).toHaveLength(5);
  });
});
