import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('gives the same metric for the same name, so that modules need not know of each other', async () => {
  const metrics = createMetrics();
  metrics.counter({ name: 'calls_total', help: 'Calls.' }).inc();
  metrics.counter({ name: 'calls_total', help: 'Calls.' }).inc(2);
  expect(await metrics.text()).toContain('calls_total 3');
});

test('keeps one series per set of label values', async () => {
  const metrics = createMetrics();
  const calls = metrics.counters({ name: 'calls_total', help: 'Calls.', labels: ['pool', 'outcome'] });
  expect(calls.with({ pool: 'cpu', outcome: 'ok' })).toBe(calls.with({ outcome: 'ok', pool: 'cpu' }));
  calls.with({ pool: 'cpu', outcome: 'ok' }).inc();
  calls.with({ pool: 'gpu', outcome: 'ok' }).inc();
  expect(await metrics.text()).toContain('calls_total{pool="gpu",outcome="ok"} 1');
});

test('reads lazy gauges when the metrics are read', async () => {
  const metrics = createMetrics();
  const queue = metrics.gauge({ name: 'queue', help: 'Waiting.' });
  let waiting = 1;
  metrics.beforeRead(() => {
    queue.set(waiting);
  });
  waiting = 7;
  expect(await metrics.text()).toContain('queue 7');
});

test('keeps two sets of metrics apart', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.histogram({ name: 'took_seconds', help: 'Took.', buckets: [1] }).observe(0.5);
  other.histogram({ name: 'took_seconds', help: 'Took.', buckets: [1] });
  expect(await one.text()).toContain('took_seconds_bucket{le="1"} 1');
  expect(await other.text()).toContain('took_seconds_count 0');
});
