import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../test/helpers/virtual-clock.ts';
import { topics } from '../../kernel/topics.ts';
import type { AppendSink } from '../messaging.ts';
import { Lane } from './lane.ts';
import { Link } from './link.ts';
import { PartitionLine, TopicLine } from './partition-line.ts';

const nowhere = { clientId: 'lane-test', connection: {}, address: () => ({ host: '127.0.0.1', port: 1 }) };

const open = () => {
  const clock = createVirtualClock(0);
  const line = new PartitionLine(new TopicLine('results', false), 0);
  let runs = 0;
  const lane = new Lane({
    link: new Link(nowhere),
    clock,
    run: async (ready) => {
      runs += 1;
      ready.ready = [];
      await Promise.resolve();
    },
  });
  const give = (patient: boolean): void => {
    const sink: AppendSink = { patient, appended: () => {}, failed: () => {} };
    const record = { topic: topics.results, key: null, value: null, headers: [] };
    line.push({ record, bodyBytes: 1, queuedAtMs: 0, sink });
    if (lane.ready.length === 0) lane.ready.push(line);
    lane.schedule(line.urgent);
  };
  return { clock, line, lane, give, runs: () => runs };
};

test('sends what somebody waits for at the end of the turn', async () => {
  const { give, runs } = open();
  give(false);
  expect(runs()).toBe(0);
  await setImmediate();
  expect(runs()).toBe(1);
});

test('lets what nobody waits for gather, for some milliseconds', async () => {
  const { clock, give, runs } = open();
  give(true);
  await clock.advance(9);
  give(true);
  expect(runs()).toBe(0);
  await clock.advance(1);
  expect(runs()).toBe(1);
});

test('sends everything at once as soon as somebody waits for some of it, and only once', async () => {
  const { clock, give, runs } = open();
  give(true);
  give(false);
  await setImmediate();
  expect(runs()).toBe(1);
  await clock.advance(20);
  expect(runs()).toBe(1);
});

test('a batch that has to be repeated is urgent, whoever waits', () => {
  const { give, line } = open();
  give(true);
  expect(line.urgent).toBe(false);
  line.takeBatch();
  expect(line.urgent).toBe(true);
});
