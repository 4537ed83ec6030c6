import { describe, expect, it } from 'vitest';
import { createWorkbench, group, outOf, textOf, type Worker, work } from '../../test/helpers/workbench.ts';
import { limits } from '../kernel/limits.ts';
import { decodeOffsetMetadata } from './offset-metadata.ts';

const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at));
const textsOf = (worker: Worker): string[] => worker.deliveries.map(textOf);
const finish = async (worker: Worker, at: number): Promise<string> => {
  const delivery = worker.deliveries[at];
  if (delivery === undefined) throw new Error(`There is no delivery ${at}.`);
  return await delivery.settle([outOf(textOf(delivery))]);
};

describe('back pressure', () => {
  it('hands out no more than may be in flight, and the next one when a place is free', async () => {
    const { add, hire, clock } = createWorkbench();
    add(numbers(50));
    const worker = await hire('w', { inFlightMax: 3 });
    expect([textsOf(worker), worker.consumer.inFlight]).toEqual([['0', '1', '2'], 3]);
    await finish(worker, 1);
    await clock.advance(10);
    expect(textsOf(worker)).toEqual(['0', '1', '2', '3']);
    worker.deliveries[0]?.giveBack();
    expect(textsOf(worker)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('leaves no more records of a partition unfinished than commit metadata can name', async () => {
    const { add, hire, clock } = createWorkbench();
    add(numbers(limits.inFlightPerPartition + 600));
    const worker = await hire('w', { inFlightMax: 100_000 });
    await clock.advance(100);
    expect(worker.deliveries).toHaveLength(limits.inFlightPerPartition);
    for (const at of [3, 700, 1_001]) await finish(worker, at);
    await clock.advance(100);
    expect(worker.deliveries).toHaveLength(limits.inFlightPerPartition + 3);
  });

  it('serves partitions in turn', async () => {
    const { add, hire, clock } = createWorkbench();
    add(['a0', 'a1', 'a2', 'a3'], 0);
    add(['b0', 'b1', 'b2', 'b3'], 1);
    const worker = await hire('w', { inFlightMax: 1 });
    for (let at = 0; at < 7; at += 1) {
      await finish(worker, at);
      await clock.advance(1);
    }
    // Which one comes first depends on which was opened first; then each gets every other turn.
    const others = textsOf(worker).slice(1, 7);
    expect(new Set(others.filter((_, at) => at % 2 === 0).map((text) => text[0])).size).toBe(1);
    expect(new Set(others.filter((_, at) => at % 2 === 1).map((text) => text[0])).size).toBe(1);
  });

  it('hands out all of a long partition in the order of the log', async () => {
    const { add, hire, clock, committed } = createWorkbench();
    add(numbers(2_500));
    const worker = await hire('w', { inFlightMax: 64 });
    for (let at = 0; at < 2_500; at += 1) {
      if (worker.deliveries[at] === undefined) await clock.advance(1);
      void finish(worker, at);
    }
    await clock.advance(200);
    expect(textsOf(worker)).toEqual(numbers(2_500));
    expect(committed()).toHaveLength(2_500);
  });
});

describe('letting a partition go', () => {
  const committedOf = (bench: ReturnType<typeof createWorkbench>) => {
    const committed = bench.broker.group(group).committed(bench.broker.log(work.name, 0));
    if (committed === null) throw new Error('Nothing was committed.');
    return { offset: committed.offset, ...decodeOffsetMetadata(Number(committed.offset), committed.metadata) };
  };

  it('waits for what was started, commits it and says that it was let go in order', async () => {
    const bench = createWorkbench();
    bench.add(['a', 'b', 'c']);
    const worker = await bench.hire('w', { inFlightMax: 2 });
    const closed = { done: false };
    void worker.consumer.close().then(() => {
      closed.done = true;
    });
    await bench.clock.advance(1_000);
    expect(closed.done).toBe(false);
    await finish(worker, 0);
    worker.deliveries[1]?.giveBack();
    await bench.clock.advance(10);
    expect([closed.done, textsOf(worker)]).toEqual([true, ['a', 'b']]);
    expect(committedOf(bench)).toMatchObject({ offset: 1n, drained: true, next: 2, holes: [1], owner: 'w' });
  });

  it('names what was not finished within the limit, and drops what comes of it later', async () => {
    const bench = createWorkbench();
    bench.add(['endless', 'b']);
    const worker = await bench.hire('w');
    await finish(worker, 1);
    void worker.consumer.close();
    await bench.clock.advance(14_000);
    expect(committedOf(bench)).toMatchObject({ drained: false });
    await bench.clock.advance(2_000);
    expect(committedOf(bench)).toMatchObject({ offset: 0n, drained: true, next: 2, holes: [0], marked: null });
    expect(await finish(worker, 0)).toBe('released');
    const heir = await bench.hire('heir');
    await bench.clock.advance(10);
    expect(heir.deliveries.map((each) => [textOf(each), each.careful])).toEqual([['endless', false]]);
    expect(bench.committed()).toEqual(['b']);
  });

  it('names its owner before anything is handed out', async () => {
    const bench = createWorkbench();
    bench.add(['a']);
    const worker = await bench.hire('w');
    expect(committedOf(bench)).toMatchObject({ owner: 'w', drained: false, next: 0, holes: [] });
    expect(textsOf(worker)).toEqual(['a']);
  });

  it('tells of a period that ended while the partition was being opened', async () => {
    const bench = createWorkbench();
    const worker = await bench.hire('w');
    for (const member of bench.broker.group(group).members) bench.broker.group(group).expel(member);
    worker.weather.delaysMs.set('admin', [5_000, 5_000]);
    await bench.clock.advance(100);
    for (const member of bench.broker.group(group).members) bench.broker.group(group).expel(member);
    await bench.clock.advance(20_000);
    const opened = worker.openings.map((each) => each.generation);
    const ended = opened.toSorted((one, other) => one - other).slice(0, -2);
    expect(worker.released).toEqual(expect.arrayContaining(ended));
    expect([worker.consumer.partitions, worker.failures]).toEqual([2, []]);
  });
});
