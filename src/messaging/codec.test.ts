import { describe, expect, it } from 'vitest';
import type { Contracts, Insight, Request } from '../kernel/contracts/contracts.gen.ts';
import { headerNames, headerNumber, headerText } from '../kernel/contracts/envelope.ts';
import { PlatformError } from '../kernel/errors.ts';
import { requestIdOf } from '../kernel/ids.ts';
import { requestsTopic, topics } from '../kernel/topics.ts';
import { createCodec } from './codec.ts';
import type { InRecord, OutRecord } from './messaging.ts';
import { readSchemaFiles, type SchemaFile } from './registry/schema-files.ts';
import { pinnedSchemaIds } from './registry/schema-ids.ts';

const request: Request = {
  algorithmId: '0b0f8f2e-5f0e-4b57-9d5a-4d1f8a9c7e11',
  algorithm: 'ada/Hello',
  build: 'a'.repeat(40),
  version: '1.0.0',
  account: 'ada',
  keyId: '7d0a7c52-9f4b-4d0f-8f41-1c5d5b1e1a22',
  origin: 'rest',
  parent: null,
  session: 'req-3f0d2f5a-58c4-4f6f-a8cb-0fd5f3c6f0b1',
  flow: null,
  causation: null,
  replyPartition: 3,
  replyAccount: null,
  stored: false,
  idempotencyKey: null,
  wantsStdout: false,
  acceptedAtMs: 1_764_077_250_123,
  contentType: 'json',
  body: Buffer.from('{"name":"Zoë"}'),
  bodyRef: null,
};

const insight: Insight = {
  requestId: request.session,
  session: request.session,
  algorithmId: request.algorithmId,
  algorithm: request.algorithm,
  build: request.build,
  version: null,
  account: 'ada',
  flow: null,
  status: 'succeeded',
  atMs: 1,
  durationS: 0.25,
  waitS: 0.001,
  metrics: { rows: 12, model: 'small', cached: true },
};

const requests = requestsTopic('cpu');

const asRead = (record: OutRecord): InRecord => ({
  topic: record.topic.name,
  partition: 2,
  offset: 41n,
  timestampMs: 0,
  key: record.key,
  value: record.value,
  headers: record.headers,
});

const plain = (value: unknown): unknown => ({ ...(value as object) });

const failureOf = (run: () => unknown): PlatformError => {
  try {
    run();
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

const schemaFile = (version: number, fields: readonly object[]): SchemaFile => ({
  contract: 'log-line',
  version,
  name: `schemas/log-line/v${version}.avsc`,
  text: JSON.stringify({ type: 'record', name: 'LogLine', namespace: 'millrace.v1', fields }),
});

describe('codec', () => {
  it('reads back what it wrote, with every kind of field', () => {
    const codec = createCodec();
    expect(plain(codec.decode('request', asRead(codec.encode(requests, request, { key: 'lane' }))))).toEqual(request);
    const read = codec.decode('insight', asRead(codec.encode(topics.insights, insight, { key: 'k' })));
    expect(plain(read)).toEqual(insight);
  });

  it('puts only what is given into headers, and the contract always', () => {
    const codec = createCodec();
    const bare = codec.encode(requests, request, { key: null });
    expect(bare.headers.map(([name]) => name)).toEqual([headerNames.contract]);
    expect(bare).not.toHaveProperty('partition');
    const id = requestIdOf('3f0d2f5a-58c4-4f6f-a8cb-0fd5f3c6f0b1');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const full = codec.encode(requests, request, {
      key: 'l',
      id,
      attempt: 20,
      deadlineMs: 1_764_077_250_123,
      traceparent,
      partition: 4,
    });
    expect(headerText(full.headers, headerNames.contract)).toBe('request/1');
    expect(headerText(full.headers, headerNames.id)).toBe(id);
    expect(headerNumber(full.headers, headerNames.attempt)).toBe(20);
    expect(headerNumber(full.headers, headerNames.deadline)).toBe(1_764_077_250_123);
    expect(headerText(full.headers, headerNames.traceparent)).toBe(traceparent);
    expect(full.partition).toBe(4);
  });

  it('frames values with the pinned id of their schema', () => {
    const value = createCodec().encode(requests, request, { key: null }).value;
    expect(value?.[0]).toBe(0);
    expect(value?.readUInt32BE(1)).toBe(pinnedSchemaIds().get('request/1'));
  });

  it('keeps every record apart, small and large ones in turn', () => {
    const codec = createCodec();
    const bodies = Array.from({ length: 400 }, (_, index) => Buffer.alloc((index * 7919) % 40_000, index));
    const records = bodies.map((body) => codec.encode(requests, { ...request, body }, { key: null }));
    for (const [index, record] of records.entries()) {
      expect(codec.decode('request', asRead(record)).body?.equals(bodies[index] ?? Buffer.of(1))).toBe(true);
    }
  });

  it('goes on after a message that breaks its schema', () => {
    const codec = createCodec();
    const broken = { ...request, origin: 'nowhere' } as unknown as Contracts['request'];
    expect(() => codec.encode(requests, broken, { key: null })).toThrow();
    expect(codec.decode('request', asRead(codec.encode(requests, request, { key: null }))).account).toBe('ada');
  });

  it('names contract, topic, partition and offset of a record that it cannot decode', () => {
    const codec = createCodec();
    const good = asRead(codec.encode(requests, request, { key: null }));
    const wrongs: readonly (readonly [InRecord, RegExp])[] = [
      [{ ...good, value: null }, /no value/],
      [{ ...good, value: Buffer.from('{}') }, /not framed/],
      [{ ...good, value: good.value?.subarray(0, 40) ?? null }, /do not fit/],
      [{ ...good, value: Buffer.concat([good.value ?? Buffer.of(), Buffer.of(1)]) }, /do not fit/],
      [{ ...good, headers: [] }, /no contract header/],
      [{ ...good, headers: [[headerNames.contract, Buffer.from('result/1')]] }, /says "result\/1"/],
      [{ ...good, headers: [[headerNames.contract, Buffer.from('request/2')]] }, /does not know request\/2/],
    ];
    for (const [record, why] of wrongs) {
      const error = failureOf(() => codec.decode('request', record));
      expect(error.code).toBe('MESSAGING_UNDECODABLE');
      expect(error.message).toMatch(why);
      expect(error.details).toEqual({ contract: 'request', topic: 'requests.cpu.v1', partition: 2, offset: '41' });
    }
  });

  it('reads records of an older version as the newest', () => {
    const text = { name: 'text', type: 'string' };
    const first = schemaFile(1, [{ name: 'dropped', type: 'int' }, text]);
    const second = schemaFile(2, [text, { name: 'level', type: 'string', default: 'info' }]);
    const ids = new Map([
      ['log-line/1', 100],
      ['log-line/2', 101],
    ]);
    const old = createCodec({ schemas: [first], ids });
    const message = { dropped: 1, text: 'hello' } as unknown as Contracts['log-line'];
    const record = asRead(old.encode(topics.logs, message, { key: null }));
    expect(plain(createCodec({ schemas: [first, second], ids }).decode('log-line', record))).toEqual({
      text: 'hello',
      level: 'info',
    });
  });

  it('has an id for the newest version of every contract', () => {
    expect(new Set(pinnedSchemaIds().values()).size).toBe(pinnedSchemaIds().size);
    for (const file of readSchemaFiles()) expect(pinnedSchemaIds().has(`${file.contract}/${file.version}`)).toBe(true);
  });

  it('does not compile for a message of another contract', () => {
    const wrong = (): unknown => {
      // @ts-expect-error an insight is not a request
      return createCodec().encode(requests, insight, { key: null });
    };
    expect(wrong).toThrow();
  });
});
