import { expect, test } from 'vitest';
import { isRequestId } from '../../kernel/ids.ts';
import type { InRecord } from '../../messaging/messaging.ts';
import { arrivalOf, originalHeaders, requestIdOfOrigin, retryHeaders } from './origin.ts';

const record = (over: Partial<InRecord> = {}): InRecord => ({
  topic: 'inbox.ada.v1',
  partition: 1,
  offset: 42n,
  timestampMs: 1000,
  key: null,
  value: Buffer.from('{}'),
  headers: [['ce_id', Buffer.from('1')]],
  ...over,
});

test('an id derives from where the record first stood', () => {
  const id = requestIdOfOrigin(arrivalOf(record(), false).origin);
  expect(isRequestId(id)).toBe(true);
  expect(requestIdOfOrigin({ topic: 'inbox.ada.v1', partition: 1, offset: 42n })).toBe(id);
  expect(requestIdOfOrigin({ topic: 'inbox.ada.v1', partition: 1, offset: 43n })).not.toBe(id);
});

test('a retry keeps origin, first arrival and the headers of the publisher, and counts', () => {
  const first = arrivalOf(record(), false);
  const again = arrivalOf(
    record({ topic: 'inbox.retry.1s.v1', offset: 7n, timestampMs: 2000, headers: retryHeaders(first) }),
    true,
  );
  expect(again.origin).toEqual(first.origin);
  expect(again.attempt).toBe(2);
  expect(again.firstAtMs).toBe(1000);
  expect(originalHeaders(again.record.headers)).toEqual(first.record.headers);
});

test('retry headers of an outsider do not count on an inbox', () => {
  const forged = record({ headers: retryHeaders(arrivalOf(record({ offset: 1n }), false)) });
  expect(arrivalOf(forged, false)).toMatchObject({ attempt: 1, origin: { offset: 42n } });
});
