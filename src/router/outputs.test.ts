import { describe, expect, it } from 'vitest';
import { deadNames, headerText } from '../kernel/contracts/envelope.ts';
import { limits } from '../kernel/limits.ts';
import type { InRecord } from '../messaging/messaging.ts';
import { arrivalOf } from './core/origin.ts';
import { deadOutput, retryOutput } from './outputs.ts';

const fault = { reason: 'no executor', step: 'choose-lane', code: 'ROUTER_NO_EXECUTOR' };
const recordOf = (value: Buffer, more: Partial<InRecord> = {}): InRecord => ({
  topic: 'inbox.ann.v1',
  partition: 2,
  offset: 17n,
  timestampMs: 1_000,
  key: Buffer.from('k'),
  value,
  headers: [['ce_id', Buffer.from('order-1')]],
  ...more,
});
const deadOf = (record: InRecord) => deadOutput(arrivalOf(record, false), fault, 2_000);
const retryOf = (record: InRecord) => retryOutput(arrivalOf(record, false), { ...fault, afterMs: 1 }, 2_000);

describe('a record of an inbox that is parked', () => {
  it('stays as it was, beside the reason and the place', () => {
    const letter = deadOf(recordOf(Buffer.from('{}')));
    expect(letter).toMatchObject({ topic: { name: 'dead.v1' }, key: Buffer.from('k'), value: Buffer.from('{}') });
    expect(headerText(letter.headers, 'ce_id')).toBe('order-1');
    expect(headerText(letter.headers, deadNames.reason)).toBe('no executor');
    expect(headerText(letter.headers, deadNames.offset)).toBe('17');
    expect(headerText(letter.headers, deadNames.account)).toBe('ann');
  });

  it.each([
    ['a value', recordOf(Buffer.alloc(limits.batchBytes))],
    ['headers', recordOf(Buffer.from('{}'), { headers: [['large', Buffer.alloc(limits.batchBytes)]] })],
    ['a key', recordOf(Buffer.from('{}'), { key: Buffer.alloc(limits.batchBytes) })],
  ])('is only named when it has %s too large for what we may publish', (_, record) => {
    const letter = deadOf(record);
    expect([letter.key, letter.value, headerText(letter.headers, 'large')]).toEqual([null, null, undefined]);
    expect(headerText(letter.headers, deadNames.topic)).toBe('inbox.ann.v1');
    expect(headerText(letter.headers, deadNames.partition)).toBe('2');
  });
});

describe('a record of an inbox that is tried again', () => {
  it('waits in the topic of the next delay with its key, value and headers', () => {
    const again = retryOf(recordOf(Buffer.from('{}')));
    expect(again).toMatchObject({ topic: { name: 'inbox.retry.1s.v1' }, value: Buffer.from('{}') });
    expect(headerText(again.headers, 'ce_id')).toBe('order-1');
  });

  it('is parked when it is too large to wait', () => {
    const letter = retryOf(recordOf(Buffer.alloc(limits.batchBytes)));
    expect(letter.topic.name).toBe('dead.v1');
    expect(headerText(letter.headers, deadNames.reason)).toContain('too large');
  });
});
