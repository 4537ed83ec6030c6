import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../test/helpers/virtual-clock.ts';
import { createOrderedLanes } from './ordered-lanes.ts';

/** Lanes whose items take as many milliseconds as they say. */
const open = (width: number) => {
  const clock = createVirtualClock(0);
  const begun: string[] = [];
  const ended: string[] = [];
  const failures: unknown[] = [];
  const lanes = createOrderedLanes<{ readonly name: string; readonly takesMs: number }>({
    width,
    run: async ({ name, takesMs }) => {
      begun.push(name);
      await new Promise<void>((resolve) => clock.after(takesMs, resolve));
      if (name.includes('bad')) throw new Error(name);
      ended.push(name);
    },
    onFailed: (error) => failures.push(error),
  });
  const offer = (lane: string, name: string, takesMs = 10) => {
    lanes.offer(lane, { name, takesMs });
  };
  return { clock, lanes, offer, begun, ended, failures };
};

describe('ordered lanes', () => {
  it('run the items of a lane one after the other, in their order', async () => {
    const { clock, offer, begun, ended } = open(8);
    offer('a', '1', 30);
    offer('a', '2', 1);
    offer('a', '3', 1);
    await clock.advance(29);
    expect(begun).toEqual(['1']);
    await clock.advance(10);
    expect(ended).toEqual(['1', '2', '3']);
  });

  it('run several lanes beside each other, so a slow one holds up nobody', async () => {
    const { clock, offer, ended } = open(8);
    offer('slow', 's', 1_000);
    offer('fast', 'f1');
    offer('fast', 'f2');
    await clock.advance(25);
    expect(ended).toEqual(['f1', 'f2']);
  });

  it('run no more lanes at a time than their width, and take turns', async () => {
    const { clock, lanes, offer, begun } = open(2);
    for (const lane of ['a', 'b', 'c']) for (const item of [1, 2]) offer(lane, `${lane}${item}`);
    expect([lanes.running, lanes.waiting]).toEqual([2, 4]);
    await clock.advance(10);
    expect(begun).toEqual(['a1', 'b1', 'c1', 'a2']);
    await clock.advance(100);
    expect(begun).toHaveLength(6);
  });

  it('give back what waits and matches, and go on with the rest', async () => {
    const { clock, lanes, offer, ended } = open(1);
    for (const name of ['1', 'x2', '3', 'x4']) offer('a', name);
    offer('b', 'x5');
    expect(lanes.remove(({ name }) => name.startsWith('x')).map(({ name }) => name)).toEqual(['x2', 'x4', 'x5']);
    expect(lanes.waiting).toBe(1);
    await clock.advance(100);
    expect(ended).toEqual(['1', '3']);
    offer('b', '6');
    await clock.advance(100);
    expect(ended).toEqual(['1', '3', '6']);
  });

  it('report an item that failed and go on with the next of its lane', async () => {
    const { clock, lanes, offer, ended, failures } = open(1);
    offer('a', 'bad');
    offer('a', 'good');
    await clock.advance(50);
    expect([failures.length, ended]).toEqual([1, ['good']]);
    expect([lanes.running, lanes.waiting]).toEqual([0, 0]);
  });

  it('are idle when nothing runs or waits', async () => {
    const { clock, lanes, offer } = open(1);
    await lanes.idle();
    const state = { idle: false };
    offer('a', '1');
    offer('b', '2');
    void lanes.idle().then(() => {
      state.idle = true;
    });
    await clock.advance(15);
    expect(state.idle).toBe(false);
    await clock.advance(10);
    expect(state.idle).toBe(true);
  });

  it('keep the order of every lane, whatever the width and the durations', async () => {
    const items = fc.array(fc.record({ lane: fc.nat(4), takesMs: fc.integer({ min: 1, max: 9 }) }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(items, fc.integer({ min: 1, max: 6 }), async (given, width) => {
        const { clock, offer, ended } = open(width);
        const names = given.map(({ lane }, at) => `${lane}/${at}`);
        for (const [at, { lane, takesMs }] of given.entries()) offer(String(lane), names[at] ?? '', takesMs);
        await clock.advance(1_000);
        expect(ended).toHaveLength(given.length);
        for (const lane of [0, 1, 2, 3, 4]) {
          const ofLane = (name: string): boolean => name.startsWith(`${lane}/`);
          expect(ended.filter(ofLane)).toEqual(names.filter(ofLane));
        }
      }),
      { numRuns: 30 },
    );
  });
});
