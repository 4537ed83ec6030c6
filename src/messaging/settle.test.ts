import { describe, expect, it } from 'vitest';
import {
  createWorkbench,
  graves,
  group,
  outOf,
  textOf,
  type Worker,
  type WorkerOptions,
  work,
  yields,
} from '../../test/helpers/workbench.ts';
import { accountNameOf } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { silentLogger } from '../kernel/logger.ts';
import { accountRepliesTopic } from '../kernel/topics.ts';
import { messagingErrors } from './errors.ts';
import type { OutRecord } from './messaging.ts';
import { createOffsetTracker } from './offset-tracker.ts';
import { createTransactionSettler } from './transaction-settler.ts';

const append = { mode: { kind: 'append', name: 'w', everyMs: 50 } } as const;

/** Settles a delivery with these outputs (default: its own text) and notes how that ended. */
const settle = (worker: Worker, at: number, outputs?: readonly OutRecord[]) => {
  const delivery = worker.deliveries[at];
  if (delivery === undefined) throw new Error(`There is no delivery ${at}.`);
  const state: { end: string } = { end: 'open' };
  delivery.settle(outputs ?? [outOf(textOf(delivery))]).then(
    (settlement) => {
      state.end = settlement;
    },
    (error: unknown) => {
      state.end = error instanceof Error && 'code' in error ? String(error.code) : 'thrown';
    },
  );
  return state;
};

const open = async (texts: readonly string[], options: WorkerOptions = {}) => {
  const bench = createWorkbench();
  bench.add(texts);
  const worker = await bench.hire('w', options);
  const offset = async () => (await bench.door().messaging.admin.committed(group, work))[0];
  return { bench, worker, offset, ...bench };
};

describe('settling in transactions', () => {
  it('shows outputs to uncommitted readers at once and commits them with the offsets within the interval', async () => {
    const { clock, worker, offset, committed, written } = await open(['a', 'b']);
    const first = settle(worker, 0);
    await clock.advance(1);
    expect([first.end, written(), await offset()]).toEqual(['settled', ['a'], 0n]);
    await clock.advance(60);
    expect([committed(), await offset()]).toEqual([['a'], 1n]);
  });

  it('commits what finished out of order, and the offset behind the last unfinished record', async () => {
    const { clock, worker, offset, committed } = await open(['a', 'b', 'c']);
    settle(worker, 2);
    settle(worker, 1);
    await clock.advance(100);
    expect([committed(), await offset()]).toEqual([['c', 'b'], 0n]);
    settle(worker, 0);
    await clock.advance(100);
    expect([committed(), await offset()]).toEqual([['c', 'b', 'a'], 3n]);
  });

  it('appends the same outputs again after an append got no answer; nothing is delivered again or doubled', async () => {
    const { clock, worker, offset, committed, written } = await open(['a', 'b']);
    worker.weather.faults.set('produce', ['lost-answer']);
    const ends = [settle(worker, 0), settle(worker, 1)];
    await clock.advance(1_000);
    expect(ends.map((each) => each.end)).toEqual(['settled', 'settled']);
    expect(written()).toEqual(['a', 'b', 'a', 'b']);
    expect([committed(), await offset(), worker.deliveries.length]).toEqual([['a', 'b'], 2n, 2]);
  });

  it('appends them again after the broker aborted a transaction that was open for too long', async () => {
    const { clock, worker, offset, committed } = await open(['a', 'b']);
    settle(worker, 0);
    await clock.advance(1);
    worker.weather.delaysMs.set('produce', [6_000]);
    settle(worker, 1);
    await clock.advance(4_000);
    expect(committed()).toEqual([]);
    await clock.advance(10_000);
    expect([committed(), await offset(), worker.failures]).toEqual([['a', 'b'], 2n, []]);
  });

  it('appends them again until an outage of twenty seconds is over', async () => {
    const { clock, worker, offset, committed } = await open(['a', 'b']);
    settle(worker, 0);
    await clock.advance(1);
    worker.weather.faults.set(
      'produce',
      Array.from({ length: 12 }, () => 'lost-request'),
    );
    settle(worker, 1);
    await clock.advance(40_000);
    expect([committed(), await offset(), worker.failures]).toEqual([['a', 'b'], 2n, []]);
  });

  it('commits once when the answer to the commit was lost', async () => {
    const { clock, worker, offset, committed, written } = await open(['a']);
    worker.weather.faults.set('end-transaction', ['lost-answer', 'lost-answer']);
    settle(worker, 0);
    await clock.advance(1_000);
    expect([committed(), written(), await offset()]).toEqual([['a'], ['a'], 1n]);
  });

  it('publishes nothing for a partition that was lost before the outputs came', async () => {
    const { bench, clock, worker, written } = await open(['a']);
    for (const member of bench.broker.group(group).members) bench.broker.group(group).expel(member);
    await clock.advance(1);
    expect(worker.deliveries[0]?.live).toBe(false);
    const end = settle(worker, 0);
    await clock.advance(100);
    expect([end.end, written()]).toEqual(['released', []]);
  });

  it('commits nothing of a partition that was lost after the outputs were appended, and all of the others', async () => {
    const { bench, clock, worker, offset, committed, written } = await open(['a']);
    settle(worker, 0, [outOf('first run')]);
    await clock.advance(10);
    for (const member of bench.broker.group(group).members) bench.broker.group(group).expel(member);
    await clock.advance(10);
    expect(written()).toEqual(['first run']);
    expect(worker.deliveries.map((each) => [textOf(each), each.live])).toEqual([
      ['a', false],
      ['a', true],
    ]);
    settle(worker, 1, [outOf('second run')]);
    await clock.advance(1_000);
    expect([committed(), await offset(), worker.failures]).toEqual([['second run'], 1n, []]);
  });

  it('fails the consumer once when another process took the transactional id over', async () => {
    const { bench, clock, worker, committed } = await open(['a', 'b']);
    await bench.door().messaging.transactor({ transactionalId: 'w' });
    const ends = [settle(worker, 0), settle(worker, 1)];
    await clock.advance(1_000);
    expect(ends.map((each) => each.end)).toEqual(['MESSAGING_FENCED', 'MESSAGING_FENCED']);
    expect([worker.failures.length, committed()]).toEqual([1, []]);
  });

  it('drops with a line what is too large or goes to an account without topics; everything else is committed', async () => {
    const { clock, worker, offset, committed, written } = await open(['a', 'b']);
    const large = { ...outOf('', graves), value: Buffer.alloc(limits.batchBytes + 1) };
    const reply = outOf('reply', accountRepliesTopic(accountNameOf('gone')));
    const ends = [settle(worker, 0, [large, outOf('a'), reply]), settle(worker, 1)];
    await clock.advance(100);
    expect(ends.map((each) => each.end)).toEqual(['settled', 'settled']);
    expect([committed(), written(), await offset(), worker.failures]).toEqual([['a', 'b'], ['a', 'b'], 2n, []]);
    const refused = worker.lines.filter((line) => line.event === 'output.refused');
    expect(refused.map((line) => line['to'])).toEqual(['graves.v1', 'replies.gone.v1']);
  });

  it('keeps a transaction so small that all of it can be appended again at once', async () => {
    const body = Buffer.alloc(800 * 1024);
    const count = Math.ceil((1.2 * limits.appendQueueBytes) / body.length);
    const { clock, worker, offset, written } = await open(
      Array.from({ length: count }, (_, at) => String(at)),
      { inFlightMax: count },
    );
    worker.weather.faults.set('produce', ['lost-request']);
    for (const [at] of worker.deliveries.entries()) settle(worker, at, [{ ...outOf(''), value: body }]);
    await clock.advance(1_000);
    expect([await offset(), written().length, worker.failures]).toEqual([BigInt(count), count, []]);
  });

  it('ends with the cause when a commit is refused for good, instead of trying for ever', async () => {
    const { clock, door, broker } = createWorkbench();
    const { messaging } = door();
    const refused = messagingErrors.FORBIDDEN({ message: 'The group is not ours.' });
    const transactor = await messaging.transactor({ transactionalId: 'w' });
    const quiet = { onAssigned: () => {}, onRecords: () => {}, onLost: () => {}, onFailed: () => {} };
    const onRevoked = async () => {
      await Promise.resolve();
    };
    const membership = await messaging.join({ group, topics: [work], onRevoked, ...quiet });
    await clock.advance(1);
    const [assignment] = membership.assignments;
    if (assignment === undefined) throw new Error('nothing was assigned');
    const failures: Error[] = [];
    const onFailed = (error: Error): void => void failures.push(error);
    const settler = createTransactionSettler(
      { clock, logger: silentLogger, everyMs: 50, membership: () => membership, onFailed },
      {
        append: async (record) => await transactor.append(record),
        send: (record, sink) => {
          transactor.send(record, sink);
        },
        abort: async () => {
          await transactor.abort();
        },
        close: async () => {
          await transactor.close();
        },
        commit: async () => {
          await transactor.abort();
          throw messagingErrors.ABORTED({ message: 'The broker refused the offsets.', cause: refused });
        },
      },
    );
    const snapshot = () => ({ assignment, offset: 1n, metadata: '' });
    const partition = { assignment, over: false, finish: () => {}, leave: () => {}, snapshot };
    const taken = createOffsetTracker({ next: 0 }).take(0);
    const end = await settler.settle(partition, taken, { records: [outOf('a')], patient: false });
    await clock.advance(1_000);
    expect([end, failures]).toEqual(['settled', [refused]]);
    expect(broker.log(yields.name, 0).committedRecords()).toEqual([]);
    await settler.close();
  });

  it('counts a record without outputs as finished', async () => {
    const { clock, worker, offset } = await open(['a']);
    const end = settle(worker, 0, []);
    await clock.advance(100);
    expect([end.end, await offset()]).toEqual(['settled', 1n]);
  });

  it('refuses to settle a delivery twice', async () => {
    const { clock, worker, committed } = await open(['a']);
    settle(worker, 0);
    const again = settle(worker, 0);
    await clock.advance(100);
    expect([again.end, committed()]).toEqual(['thrown', ['a']]);
  });
});

describe('settling by appending first', () => {
  it('commits the offset after the outputs are acknowledged', async () => {
    const { clock, worker, offset, committed } = await open(['a'], append);
    worker.weather.delaysMs.set('produce', [200]);
    settle(worker, 0);
    await clock.advance(150);
    expect(await offset()).toBe(0n);
    await clock.advance(500);
    expect([committed(), await offset()]).toEqual([['a'], 1n]);
  });

  it('appends again what got no answer, and only that', async () => {
    const { clock, worker, offset, committed } = await open(['a'], append);
    worker.weather.faults.set('produce', ['lost-request', 'lost-answer']);
    const end = settle(worker, 0, [outOf('a1')]);
    await clock.advance(50);
    expect([end.end, await offset()]).toEqual(['open', 0n]);
    await clock.advance(1_000);
    expect([end.end, committed(), await offset()]).toEqual(['settled', ['a1', 'a1'], 1n]);
  });

  it('drops with a line what is refused for good and goes on', async () => {
    const { clock, worker, offset, committed } = await open(['a'], append);
    const large = { ...outOf('', yields), value: Buffer.alloc(limits.batchBytes + 1) };
    const end = settle(worker, 0, [large, outOf('a')]);
    await clock.advance(200);
    expect([end.end, committed(), await offset(), worker.failures]).toEqual(['settled', ['a'], 1n, []]);
    expect(worker.lines.filter((line) => line.event === 'output.refused')).toHaveLength(1);
  });

  it('gives up appending when the partition is lost meanwhile', async () => {
    const { bench, clock, worker, committed } = await open(['a'], append);
    worker.weather.faults.set('produce', ['lost-request']);
    const end = settle(worker, 0);
    await clock.advance(10);
    for (const member of bench.broker.group(group).members) bench.broker.group(group).expel(member);
    await clock.advance(1_000);
    expect([end.end, committed()]).toEqual(['released', []]);
  });
});
