import { randomUUID } from 'node:crypto';
import { type EachBatchPayload, Kafka, logLevel, type Message } from 'kafkajs';
import { type Row, rowOf } from './figures.ts';
import { type BrokerAccess, startFloor } from './floor.ts';
import type { Product } from './product.ts';
import type { LoadResult } from './wrk.ts';

/** Kafka → algorithm → Kafka: records that lie in the topic before the reader starts, first to last result by the broker's clock. */

interface Access {
  readonly inbox: string;
  readonly replies: string;
}

const body = JSON.stringify({ hello: 'x'.repeat(116) });

const connect = (access: BrokerAccess): Kafka =>
  new Kafka({
    clientId: 'bench-streams',
    brokers: [access.broker],
    sasl: { mechanism: 'scram-sha-512', username: access.username, password: access.password },
    logLevel: logLevel.NOTHING,
  });

const publish = async (kafka: Kafka, topic: string, messages: readonly Message[]): Promise<void> => {
  const producer = kafka.producer();
  await producer.connect();
  for (let at = 0; at < messages.length; at += 2_000)
    await producer.send({ topic, messages: messages.slice(at, at + 2_000) });
  await producer.disconnect();
};

/** Reads a topic until `wanted` records that `accepts` have come; gives the span of their append times, seconds. */
const spanOf = async (
  kafka: Kafka,
  topic: string,
  wanted: number,
  accepts: (value: EachBatchPayload['batch']['messages'][number]) => boolean,
): Promise<number> => {
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let count = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${count} of ${wanted} records came back on ${topic}`)), 120_000);
    void consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        for (const message of batch.messages) {
          if (!accepts(message)) continue;
          count += 1;
          first = Math.min(first, Number(message.timestamp));
          last = Math.max(last, Number(message.timestamp));
        }
        if (count >= wanted) {
          clearTimeout(timer);
          resolve();
        }
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return Math.max(1, last - first) / 1000;
};

const result = (records: number, seconds: number): LoadResult => ({
  rps: records / seconds,
  failed: 0,
  p50Ms: 0,
  p95Ms: 0,
  p99Ms: 0,
});

const measureFloor = async (access: BrokerAccess, records: number, round: number): Promise<LoadResult> => {
  const kafka = connect(access);
  const requests = `floor.stream.requests.${round}`;
  const results = `floor.stream.results.${round}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [
      {
        topic: requests,
        numPartitions: 4,
        configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
      },
      { topic: results, numPartitions: 4, configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }] },
    ],
  });
  await admin.disconnect();
  await publish(
    kafka,
    requests,
    Array.from({ length: records }, (_, index) => ({ key: String(index), value: body })),
  );
  const floor = await startFloor({ access, port: 0, requests, results, http: false });
  const seconds = await spanOf(kafka, results, records, () => true);
  await floor.stop();
  return result(records, seconds);
};

const measureProduct = async (product: Product, access: Access, records: number): Promise<LoadResult> => {
  const kafka = connect(product.access);
  const run = randomUUID().slice(0, 8);
  const headers = { ce_subject: 'admin/echo', 'content-type': 'application/json' };
  const messages = Array.from({ length: records }, (_, index) => ({
    key: String(index),
    value: body,
    headers: { ...headers, ce_id: `${run}-${index}` },
  }));
  await publish(kafka, access.inbox, messages);
  const seconds = await spanOf(kafka, access.replies, records, (message) =>
    String(message.headers?.['ce_causationid'] ?? '').startsWith(run),
  );
  return result(records, seconds);
};

/** Floor and product in turn. The product's burst is published while it runs: its span is that of its answers. */
export const measureStreams = async (
  product: Product,
  options: { readonly repeats: number; readonly records: number; readonly say: (text: string) => void },
): Promise<readonly Row[]> => {
  const access = JSON.parse(await product.cli('topics', '--json')) as Access;
  const floor: LoadResult[] = [];
  const ours: LoadResult[] = [];
  for (let round = 0; round < options.repeats; round += 1) {
    floor.push(await measureFloor(product.access, options.records, round));
    ours.push(await measureProduct(product, access, options.records));
    options.say(`stream floor ${floor.at(-1)?.rps.toFixed(0) ?? ''}/s, product ${ours.at(-1)?.rps.toFixed(0) ?? ''}/s`);
  }
  return [
    rowOf({ case: 'stream', side: 'floor', concurrency: 0 }, floor),
    rowOf({ case: 'stream', side: 'product', concurrency: 0 }, ours),
  ];
};
