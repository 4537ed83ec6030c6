import { describe, expect, it } from 'vitest';
import type { Request } from '../../kernel/contracts/contracts.gen.ts';
import { cloudEventNames, headerText } from '../../kernel/contracts/envelope.ts';
import { requestIdOf } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { topics } from '../../kernel/topics.ts';
import { createCodec } from '../../messaging/codec.ts';
import type { InRecord, OutRecord } from '../../messaging/messaging.ts';
import { type Answerable, type Ended, notRun } from '../call.ts';
import { timeoutError } from '../run-error.ts';
import { createOutputs } from './outputs.ts';

const codec = createCodec();
const id = requestIdOf('00000000-0000-4000-8000-00000000002a');
const request: Request = {
  algorithmId: 'a1',
  algorithm: 'ann/Work',
  build: 'b1',
  version: '1.0.0',
  account: 'ann',
  keyId: 'k1',
  origin: 'inbox',
  parent: null,
  session: id,
  flow: null,
  causation: 'order-1',
  replyPartition: null,
  replyAccount: null,
  stored: true,
  idempotencyKey: null,
  wantsStdout: false,
  acceptedAtMs: 1_000,
  contentType: 'json',
  body: Buffer.from('1'),
  bodyRef: null,
};
const answerable = (more: Partial<Request> = {}): Answerable => ({
  id,
  attempt: 1,
  takenAtMs: 1_001,
  request: { ...request, ...more },
});
const succeeded: Ended = {
  status: 'succeeded',
  startedAtMs: 1_500,
  finishedAtMs: 1_700.5,
  durationS: 0.2,
  cold: true,
  cpuS: 0.1,
  memoryPeakBytes: 5_000,
  stdout: '',
  stderr: '',
  error: null,
  contentType: 'json',
  body: Buffer.from('{"b":2}'),
  metrics: { accuracy: 0.9 },
};

const open = (storeBody = async (body: Buffer) => await Promise.resolve({ body: null, bodyRef: `b/${body.length}` })) =>
  createOutputs({ codec, logger: silentLogger, executor: 'me', storedPartition: () => 9, storeBody });
const asRead = (record: OutRecord): InRecord => ({
  ...record,
  topic: record.topic.name,
  partition: 0,
  offset: 0n,
  timestampMs: 0,
});
const of = async (ended: Ended, more: Partial<Request> = {}) => await open().of(answerable(more), ended);
const resultIn = (records: readonly OutRecord[]) => {
  const [record] = records.filter((each) => each.topic === topics.results);
  if (record === undefined) throw new Error('no result');
  return codec.decode('result', asRead(record));
};

describe('what is published when a call ends', () => {
  it('is the result with everything of the request that readers need, and the metrics', async () => {
    const records = await of(succeeded);
    expect(records.map((each) => each.topic.name)).toEqual(['results.v1', 'insights.v1']);
    expect(resultIn(records)).toMatchObject({
      causation: 'order-1',
      stored: true,
      executor: 'me',
      cold: true,
      cpuS: 0.1,
      takenAtMs: 1_001,
    });
    const [, insight] = records;
    if (insight === undefined) throw new Error('no insight');
    expect(codec.decode('insight', asRead(insight))).toMatchObject({
      waitS: 0.5,
      durationS: 0.2,
      metrics: { accuracy: 0.9 },
    });
  });

  it('goes where a waiting replica reads, else where those are kept that nobody waits for', async () => {
    expect((await of(succeeded, { replyPartition: 1 }))[0]?.partition).toBe(1);
    expect((await of(succeeded))[0]?.partition).toBe(9);
  });

  it('answers at once unless the body has to be stored first', async () => {
    const large = { ...succeeded, body: Buffer.alloc(limits.inlineBodyBytes + 1) };
    expect(open().of(answerable(), succeeded)).not.toBeInstanceOf(Promise);
    expect(resultIn(await of(large))).toMatchObject({ body: null, bodyRef: `b/${large.body.length}` });
  });

  it('is a failure when the body is too large or cannot be stored', async () => {
    const huge = { ...succeeded, body: Buffer.alloc(limits.resultBodyBytes + 1) };
    expect(resultIn(await of(huge))).toMatchObject({
      status: 'failed',
      body: null,
      error: { errorType: 'TooLargeError' },
    });
    const away = open(async () => await Promise.reject(new Error('disk full')));
    const records = await away.of(answerable(), { ...succeeded, body: Buffer.alloc(limits.inlineBodyBytes + 1) });
    expect(resultIn(records)).toMatchObject({ status: 'failed', error: { errorType: 'SystemError' } });
  });

  it('holds what the run wrote once, within bounds, and in the result only where asked for', async () => {
    const loud = { ...succeeded, stdout: 'x'.repeat(limits.logBytesPerRun + 10), stderr: 'x' };
    const records = await of(loud, { wantsStdout: true });
    expect(records.map((each) => each.topic.name)).toEqual(['results.v1', 'insights.v1', 'logs.v1']);
    expect(resultIn(records).stdout?.length).toBeLessThan(limits.logBytesPerRun + 50);
    expect(resultIn(await of(loud)).stdout).toBe(null);
  });

  it('tells an account where to fetch what is too large for its topic', async () => {
    const large = { ...succeeded, body: Buffer.alloc(limits.inlineBodyBytes + 1) };
    const reply = (await of(large, { replyAccount: 'ann' })).at(-1);
    const address = `/v1/requests/${id}/result`;
    expect(reply?.topic.name).toBe('replies.ann.v1');
    expect(headerText(reply?.headers ?? [], cloudEventNames.dataRef)).toBe(address);
    expect(reply?.value?.toString()).toBe(JSON.stringify({ result_url: address }));
  });

  it('tells an account of a failure as JSON', async () => {
    const reply = (await of(notRun(2_000, 'timeout', timeoutError), { replyAccount: 'ann' })).at(-1);
    const error = { message: timeoutError.message, error_type: 'TimeoutError' };
    expect(reply?.value?.toString()).toBe(JSON.stringify({ error }));
    expect(headerText(reply?.headers ?? [], cloudEventNames.type)).toBe('millrace.result.failed');
    expect(headerText(reply?.headers ?? [], cloudEventNames.causationId)).toBe('order-1');
  });
});
