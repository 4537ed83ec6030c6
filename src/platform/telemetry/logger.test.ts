import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Secret } from '../config/secret.ts';
import { createLogger } from './logger.ts';

test('appends one JSON line per call from its level on, with the cause of an error and without secrets', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-logger-'));
  const destination = path.join(folder, 'logs', 'role.log');
  const logger = createLogger({ level: 'info', name: 'control', destination });
  logger.debug({ event: 'too.detailed' });
  logger.info({ event: 'control.ready', positions: 3 });
  logger.error({ event: 'control.failed', err: new Error('why'), key: new Secret('hunter2') });
  const text = await readFile(destination, 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toMatchObject([
    { level: 'info', name: 'control', event: 'control.ready', positions: 3 },
    { level: 'error', event: 'control.failed', err: { message: 'why' }, key: '***' },
  ]);
  await rm(folder, { recursive: true });
});
