import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { listen } from './listen.ts';
import { createOperationsListener, type OperationsListener, type ReadinessCheck } from './operations.ts';

let listener: OperationsListener | undefined;

const open = async (checks: readonly ReadinessCheck[], metrics = createMetrics()): Promise<string> => {
  listener = createOperationsListener({
    host: '127.0.0.1',
    port: 0,
    metrics,
    checks,
    clock: systemClock,
    checkTimeoutMs: 50,
  });
  await listener.start();
  return `http://127.0.0.1:${listener.port()}`;
};

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

test('is ready when every check passes', async () => {
  const response = await fetch(`${await open([{ name: 'log', check: () => undefined }])}/readyz`);
  expect([response.status, await response.json()]).toEqual([200, { ready: true, failing: [] }]);
});

test('answers 503 with each failing check: one that says so, one that throws, one that hangs', async () => {
  const address = await open([
    { name: 'fine', check: () => undefined },
    { name: 'view', check: () => 'has not reached the end' },
    { name: 'log', check: async () => await Promise.reject(new Error('no broker')) },
    { name: 'store', check: async () => await new Promise(() => {}) },
  ]);
  const response = await fetch(`${address}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    ready: false,
    failing: [
      { name: 'view', problem: 'has not reached the end' },
      { name: 'log', problem: 'no broker' },
      { name: 'store', problem: 'no answer within 50 ms' },
    ],
  });
});

test('is healthy also when it is not ready', async () => {
  const address = await open([{ name: 'log', check: () => 'away' }]);
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
});

test('gives the metrics in the Prometheus text format', async () => {
  const metrics = createMetrics();
  metrics.counter({ name: 'things_total', help: 'Things.' }).inc(3);
  const response = await fetch(`${await open([], metrics)}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(await response.text()).toContain('things_total 3');
});

test('answers 404 and 405 to anything else', async () => {
  const address = await open([]);
  expect((await fetch(`${address}/other`)).status).toBe(404);
  expect((await fetch(`${address}/healthz`, { method: 'POST' })).status).toBe(405);
});

test('names the process that holds its port and the variable to set', async () => {
  const holder = createServer();
  const port = await listen(holder, { host: '127.0.0.1', port: 0, variable: 'NONE' });
  const second = createOperationsListener({
    host: '127.0.0.1',
    port,
    metrics: createMetrics(),
    checks: [],
    clock: systemClock,
  });
  await expect(second.start()).rejects.toThrow(
    new RegExp(
      `^Port ${port} is taken by process ${process.pid} \\(.+\\)\\. Set MILLRACE_OPERATIONS_PORT, or stop it\\.$`,
    ),
  );
  holder.close();
});
