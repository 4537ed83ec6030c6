import { randomUUID } from 'node:crypto';
import { type EachBatchPayload, Kafka, logLevel, type Message } from 'kafkajs';
import { type Row, rowOf } from './figures.ts';
import { type BrokerAccess, startFloor } from './floor.ts';
import type { Product } from './product.ts';
import type { LoadResult } from './wrk.ts';

/**
 * Kafka → algorithm → Kafka. A burst is published to the running side; what counts are the records that still lay in
 * the topic when the publisher was done, and the time from then to their last answer, by the broker's clock.
 */

type Answer = EachBatchPayload['batch']['messages'][number];

interface Side {
  readonly side: Row['side'];
  readonly requests: string;
  readonly results: string;
  message(run: string, index: number): Message;
  answers(run: string, answer: Answer): boolean;
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
  for (let at = 0; at < messages.length; at += 4_000)
    await producer.send({ topic, messages: messages.slice(at, at + 4_000) });
  await producer.disconnect();
};

/** Reads a topic until `wanted` answers have come; gives their append times in milliseconds since the epoch. */
const appendTimes = async (
  kafka: Kafka,
  topic: string,
  wanted: number,
  accepts: (answer: Answer) => boolean,
): Promise<readonly number[]> => {
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const times: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${times.length} of ${wanted} answers on ${topic}`)), 120_000);
    void consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        for (const answer of batch.messages) if (accepts(answer)) times.push(Number(answer.timestamp));
        if (times.length >= wanted) {
          clearTimeout(timer);
          resolve();
        }
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return times;
};

const measure = async (kafka: Kafka, side: Side, records: number): Promise<LoadResult> => {
  const run = randomUUID().slice(0, 8);
  const messages = Array.from({ length: records }, (_, index) => side.message(run, index));
  await publish(kafka, side.requests, messages);
  const publishedMs = Date.now();
  const times = await appendTimes(kafka, side.results, records, (answer) => side.answers(run, answer));
  const later = times.filter((atMs) => atMs > publishedMs);
  const lastMs = Math.max(...later);
  const rps = (later.length * 1000) / Math.max(1, lastMs - publishedMs);
  return { rps, failed: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
};

const createFloorTopics = async (kafka: Kafka, topics: readonly string[]): Promise<void> => {
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 4, configEntries })) });
  await admin.disconnect();
};

const floorSide: Side = {
  side: 'floor',
  requests: 'floor.stream.requests',
  results: 'floor.stream.results',
  message: (run, index) => ({ key: `${run}-${index}`, value: body }),
  answers: (run, answer) => String(answer.key ?? '').startsWith(run),
};

const productSide = (access: { readonly inbox: string; readonly replies: string }): Side => ({
  side: 'product',
  requests: access.inbox,
  results: access.replies,
  message: (run, index) => ({
    key: String(index),
    value: body,
    headers: { ce_subject: 'admin/echo', 'content-type': 'application/json', ce_id: `${run}-${index}` },
  }),
  answers: (run, answer) => String(answer.headers?.['ce_causationid'] ?? '').startsWith(run),
});

/** Floor and product in turn; the first burst of each only warms it up. */
export const measureStreams = async (
  product: Product,
  options: { readonly repeats: number; readonly records: number; readonly say: (text: string) => void },
): Promise<readonly Row[]> => {
  const access = JSON.parse(await product.cli('topics', '--json')) as { inbox: string; replies: string };
  const kafka = connect(product.access);
  const { requests, results } = floorSide;
  await createFloorTopics(kafka, [requests, results]);
  const floor = await startFloor({ access: product.access, port: 0, requests, results, http: false });
  const sides = [floorSide, productSide(access)];
  const runs = new Map<Side, LoadResult[]>(sides.map((side) => [side, []]));
  for (let round = 0; round <= options.repeats; round += 1) {
    for (const side of sides) {
      const result = await measure(kafka, side, options.records);
      if (round > 0) runs.get(side)?.push(result);
      options.say(`stream ${side.side} ${result.rps.toFixed(0)}/s${round === 0 ? ' (warming up)' : ''}`);
    }
  }
  await floor.stop();
  return sides.map((side) => rowOf({ case: 'stream', side: side.side, concurrency: 0 }, runs.get(side) ?? []));
};
