import { describe, expect, it } from 'vitest';
import { createWorkbench } from '../../test/helpers/workbench.ts';
import type { Request } from '../kernel/contracts/contracts.gen.ts';
import { headerNames, headerText } from '../kernel/contracts/envelope.ts';
import { requestIdOf } from '../kernel/ids.ts';
import { silentLogger } from '../kernel/logger.ts';
import { requestsTopic } from '../kernel/topics.ts';
import { createCodec } from '../messaging/codec.ts';
import type { InRecord } from '../messaging/messaging.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { createExecutorMetrics } from './executor-metrics.ts';
import { createIntake } from './intake.ts';
import { createRecentRequests } from './recent-requests.ts';
import { createOutputs } from './results/outputs.ts';

const topic = requestsTopic('cpu');
const codec = createCodec();
const id = requestIdOf('00000000-0000-4000-8000-00000000002a');
const generation = 7;
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
  causation: null,
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

/** An intake above a log whose partition 0 holds the request with these attempts, of which some were not finished. */
const open = async (attempts: readonly number[], unfinished: readonly number[]) => {
  const { clock, door } = createWorkbench();
  const { messaging } = door();
  await messaging.admin.ensureTopics([topic]);
  const appender = await messaging.appender({ name: 'caller' });
  const records: InRecord[] = [];
  for (const attempt of attempts) {
    const record = codec.encode(topic, request, { key: 'lane', id, attempt, partition: 0 });
    const { partition, offset } = await appender.append(record);
    records.push({ ...record, topic: topic.name, partition, offset, timestampMs: clock.nowMs() });
  }
  const recent = createRecentRequests(messaging, [topic]);
  const holes = unfinished.flatMap((offset) => records[offset] ?? []);
  const next = BigInt(records.length);
  await recent.open({ topic: topic.name, partition: 0, generation, next, unfinished: holes });
  const state = () => ({ slots: 0, busy: 0, lent: 0, queued: 0, warm: {}, memoryBytes: 0 });
  const intake = createIntake({
    codec,
    clock,
    logger: silentLogger,
    metrics: createExecutorMetrics(createMetrics(), state),
    outputs: createOutputs({
      codec,
      logger: silentLogger,
      executor: 'me',
      storedPartition: () => 9,
      storeBody: async (body) => await Promise.resolve({ body, bodyRef: null }),
    }),
    dispatcher: { offer: () => {} },
    isCopy: recent.isCopy,
    resolve: () => null,
    refresh: async () => {
      await Promise.resolve();
    },
  });
  const poison = (offset: number): readonly string[] => {
    const record = records[offset];
    if (record === undefined) throw new Error(`there is no record ${offset}`);
    return intake.poison(record, 2, generation).map((output) => output.topic.name);
  };
  return { intake, records, poison };
};

describe('a request with which executors died', () => {
  it('is answered with an error and kept as a dead letter', async () => {
    const { poison } = await open([1], [0]);
    expect(poison(0)).toEqual(['dead.v1', 'results.v1', 'insights.v1']);
  });

  it('is not answered when it is a copy of one that is finished', async () => {
    const { poison } = await open([1, 1], [1]);
    expect(poison(1)).toEqual([]);
  });

  it('makes a later copy of itself one of a finished request', async () => {
    const { poison } = await open([1, 1], [0, 1]);
    expect(poison(0)).toHaveLength(3);
    expect(poison(1)).toEqual([]);
  });

  it('is answered under its own attempt, whatever became of the attempts before', async () => {
    const { intake, records } = await open([1, 2], [1]);
    const [, second] = records;
    if (second === undefined) throw new Error('the second attempt is missing');
    const [, result] = intake.poison(second, 2, generation);
    if (result === undefined) throw new Error('the result is missing');
    expect(headerText(result.headers, headerNames.attempt)).toBe('2');
  });
});
