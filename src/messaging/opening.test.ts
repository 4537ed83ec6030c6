import { describe, expect, it } from 'vitest';
import { createWorkbench, graves, group, outOf, textOf, type Worker, work } from '../../test/helpers/workbench.ts';
import { limits } from '../kernel/limits.ts';
import { decodeOffsetMetadata, encodeOffsetMetadata } from './offset-metadata.ts';

const sessionMs = 3_100;
const textsOf = (worker: Worker): string[] => worker.deliveries.map(textOf);
const settleAll = (worker: Worker): void => {
  // One that was settled before rejects, which is of no interest here.
  for (const delivery of worker.deliveries) delivery.settle([outOf(textOf(delivery))]).catch(() => {});
};
const finish = async (worker: Worker, at: number): Promise<void> => {
  const delivery = worker.deliveries[at];
  if (delivery === undefined) throw new Error(`There is no delivery ${at}.`);
  await delivery.settle([outOf(textOf(delivery))]);
};

describe('a partition whose owner died', () => {
  it('is opened with the records that were in flight first, one at a time, then those that were read', async () => {
    const { add, hire, clock, committed } = createWorkbench();
    add(['a', 'b', 'c']);
    const dead = await hire('dead');
    await finish(dead, 1);
    await clock.advance(100);
    dead.messaging.crash();
    add(['d']);
    const heir = await hire('heir');
    await clock.advance(sessionMs);
    expect(textsOf(heir)).toEqual(['a']);
    expect(heir.openings.find((each) => each.partition === 0)).toMatchObject({ next: 3n });
    expect(heir.deliveries[0]?.careful).toBe(true);
    await finish(heir, 0);
    await clock.advance(100);
    expect(textsOf(heir)).toEqual(['a', 'c']);
    await finish(heir, 1);
    await clock.advance(100);
    await finish(heir, 2);
    await clock.advance(100);
    expect(textsOf(heir)).toEqual(['a', 'c', 'd']);
    expect(committed().sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is opened carefully as far as the log reached when it died, and freely behind that', async () => {
    const { add, hire, clock } = createWorkbench();
    add(['a']);
    const dead = await hire('dead');
    dead.messaging.crash();
    const heir = await hire('heir');
    await clock.advance(sessionMs);
    add(['b', 'c']);
    await clock.advance(10);
    expect(textsOf(heir)).toEqual(['a']);
    await finish(heir, 0);
    await clock.advance(100);
    expect(heir.deliveries.map((each) => each.careful)).toEqual([true, false, false]);
  });

  it('is opened carefully for one window of records at most', async () => {
    const { add, hire, clock } = createWorkbench();
    const dead = await hire('dead');
    add(['first']);
    await clock.advance(10);
    dead.messaging.crash();
    add(Array.from({ length: limits.inFlightPerPartition + 50 }, (_, at) => String(at)));
    const heir = await hire('heir');
    await clock.advance(sessionMs);
    for (let at = 0; at < limits.inFlightPerPartition; at += 1) {
      await finish(heir, at);
      await clock.advance(1);
    }
    await clock.advance(10);
    expect(heir.deliveries).toHaveLength(limits.inFlightPerPartition + 51);
    expect(heir.deliveries.filter((each) => each.careful)).toHaveLength(limits.inFlightPerPartition);
  });

  it('is fenced from it: what it left open is aborted and it publishes nothing more', async () => {
    const { add, broker, hire, clock, committed, written } = createWorkbench();
    add(['a']);
    const slow = await hire('slow');
    // It publishes, then hangs before it commits, for longer than its session.
    slow.weather.delaysMs.set('transaction-offsets', [60_000]);
    void slow.deliveries[0]?.settle([outOf('of the former owner')]).catch(() => {});
    await clock.advance(60);
    expect(written()).toEqual(['of the former owner']);
    for (const member of broker.group(group).members) broker.group(group).expel(member);
    slow.weather.delaysMs.set('group', [120_000, 120_000]);
    const heir = await hire('heir');
    await clock.advance(1);
    settleAll(heir);
    await clock.advance(200);
    expect(committed()).toEqual(['a']);
    await clock.advance(200_000);
    expect(committed()).toEqual(['a']);
    expect(slow.failures.map((error) => 'code' in error && error.code)).toEqual(['MESSAGING_FENCED']);
  });

  it('counts what the former owner committed until it was fenced', async () => {
    const { add, broker, hire, clock, committed } = createWorkbench();
    add(['a', 'b']);
    const slow = await hire('slow');
    slow.weather.delaysMs.set('end-transaction', [100]);
    await finish(slow, 0);
    await clock.advance(51);
    // Its commit is on the way when the broker forgets it and the heir reads the offsets for the first time.
    for (const member of broker.group(group).members) broker.group(group).expel(member);
    slow.weather.delaysMs.set('group', [120_000, 120_000]);
    // The first two are the heir's own taking over of its id, there and back; then it fences for two partitions.
    const heir = await hire('heir', {}, ({ delaysMs }) => delaysMs.set('init-transactions', [0, 0, 200, 200]));
    expect(committed()).toEqual([]);
    await clock.advance(1_000);
    expect([committed(), textsOf(heir)]).toEqual([['a'], ['b']]);
  });

  it('is opened again when the broker did not answer', async () => {
    const { add, hire, clock } = createWorkbench();
    add(['a']);
    const dead = await hire('dead');
    dead.messaging.crash();
    const heir = await hire('heir');
    heir.weather.faults.set('admin', ['lost-request', 'lost-request']);
    await clock.advance(sessionMs + 1_000);
    expect([textsOf(heir), heir.failures]).toEqual([['a'], []]);
  });
});

describe('a record with which workers die', () => {
  /** Lets a worker start on the record that is open, and die with it. */
  const die = async (bench: ReturnType<typeof createWorkbench>, name: string): Promise<Worker> => {
    const worker = await bench.hire(name);
    await bench.clock.advance(sessionMs);
    worker.messaging.crash();
    return worker;
  };

  it('is parked once after it was blamed twice, without being delivered; its neighbours are worked on', async () => {
    const bench = createWorkbench();
    bench.add(['bad', 'good']);
    await die(bench, 'first');
    const second = await die(bench, 'second');
    const third = await die(bench, 'third');
    expect([textsOf(second), textsOf(third)]).toEqual([['bad'], ['bad']]);
    const heir = await bench.hire('heir');
    await bench.clock.advance(sessionMs);
    const [generation] = heir.openings.filter((each) => each.partition === 0).map((each) => each.generation);
    expect(heir.poisoned).toEqual([{ text: 'bad', blamed: limits.blamedMax, generation }]);
    expect(textsOf(heir)).toEqual(['good']);
    settleAll(heir);
    await bench.clock.advance(200);
    expect([bench.committed(graves), bench.committed()]).toEqual([['bad'], ['good']]);
    const left = bench.broker.group(group).committed(bench.broker.log(work.name, 0));
    expect(decodeOffsetMetadata(2, left?.metadata ?? '')).toMatchObject({ holes: [], blamed: new Map() });
    await heir.consumer.close();
    const next = await bench.hire('next');
    await bench.clock.advance(100);
    expect([next.poisoned, textsOf(next)]).toEqual([[], []]);
  });

  it('is not blamed for a death before which it was finished', async () => {
    const bench = createWorkbench();
    bench.add(['slow']);
    await die(bench, 'first');
    const second = await bench.hire('second');
    await bench.clock.advance(sessionMs);
    await finish(second, 0);
    await bench.clock.advance(100);
    second.messaging.crash();
    const heir = await bench.hire('heir');
    await bench.clock.advance(sessionMs);
    expect([heir.poisoned, textsOf(heir)]).toEqual([[], []]);
  });

  it('is not blamed when its worker let go in order', async () => {
    const bench = createWorkbench();
    bench.add(['slow']);
    await die(bench, 'first');
    for (const name of ['second', 'third', 'fourth']) {
      const worker = await bench.hire(name);
      await bench.clock.advance(sessionMs);
      expect(textsOf(worker)).toEqual(['slow']);
      worker.deliveries[0]?.giveBack();
      await worker.consumer.close();
    }
    const heir = await bench.hire('heir');
    await bench.clock.advance(100);
    expect([heir.poisoned, textsOf(heir), heir.deliveries[0]?.careful]).toEqual([[], ['slow'], false]);
  });
});

describe('a partition that was let go in order', () => {
  it('is opened freely, what was given back first', async () => {
    const { add, hire, clock } = createWorkbench();
    add(['a', 'b', 'c']);
    const former = await hire('former');
    await finish(former, 0);
    for (const delivery of former.deliveries.slice(1)) delivery.giveBack();
    await former.consumer.close();
    add(['d']);
    const heir = await hire('heir');
    await clock.advance(10);
    expect(textsOf(heir)).toEqual(['b', 'c', 'd']);
    expect(heir.deliveries.some((each) => each.careful)).toBe(false);
  });

  it('is opened where the log ends when the log lost what was committed last', async () => {
    const { add, broker, hire, clock, committed } = createWorkbench();
    add(['a', 'b']);
    const log = broker.log(work.name, 0);
    const metadata = encodeOffsetMetadata(5, {
      owner: '',
      drained: true,
      next: 9,
      holes: [7],
      marked: null,
      blamed: new Map(),
    });
    broker.group(group).apply(broker.group(group).record(log, { offset: 5n, metadata }));
    const heir = await hire('heir');
    add(['c']);
    await clock.advance(10);
    settleAll(heir);
    await clock.advance(100);
    expect([heir.failures, textsOf(heir), committed()]).toEqual([[], ['c'], ['c']]);
  });

  it('is opened at the committed offset when a tool committed it', async () => {
    const { add, broker, hire, clock } = createWorkbench();
    add(['a', 'b', 'c']);
    const log = broker.log(work.name, 0);
    broker.group(group).apply(broker.group(group).record(log, { offset: 1n, metadata: 'by hand' }));
    const heir = await hire('heir');
    await clock.advance(10);
    expect(textsOf(heir)).toEqual(['b', 'c']);
  });
});
