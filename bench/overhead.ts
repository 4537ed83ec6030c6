import { silentLogger } from '../src/kernel/logger.ts';
import { topics } from '../src/kernel/topics.ts';
import { createCodec } from '../src/messaging/codec.ts';
import { createKafkaMessaging } from '../src/messaging/kafka/kafka-messaging.ts';
import { systemClock } from '../src/platform/clock.ts';
import { percentile, type Row } from './figures.ts';
import type { Product } from './product.ts';
import { load } from './wrk.ts';

/**
 * What the executor adds to the runner's own time, one call at a time: from handing the call to the sandbox until its
 * answer is there, less the algorithm's duration, by the stage times of the result records.
 */
export const measureOverhead = async (product: Product, say: (text: string) => void): Promise<Row> => {
  const { broker, username, password } = product.access;
  const codec = createCodec();
  const messaging = await createKafkaMessaging({
    brokers: [broker],
    sasl: { mechanism: 'SCRAM-SHA-512', username, password },
    clientId: 'bench-overhead',
    topicPrefix: '',
    replicationFactor: 1,
    clock: systemClock,
    logger: silentLogger,
  });
  const added: number[] = [];
  for (let partition = 0; partition < topics.results.partitions; partition += 1) {
    await messaging.own({
      topic: topics.results,
      partition,
      from: 'end',
      isolation: 'uncommitted',
      onRecords: (records) => {
        for (const record of records) {
          const result = codec.decode('result', record);
          added.push(result.finishedAtMs - result.takenAtMs - result.durationS * 1000);
        }
      },
      onFailed: (error) => {
        throw error;
      },
    });
  }
  const url = `${product.address}/v1/algo/admin/echo`;
  await load({ url, authorization: product.authorization, concurrency: 8, seconds: 10 });
  added.length = 0;
  await load({ url, authorization: product.authorization, concurrency: 1, seconds: 4 });
  await messaging.close();
  const p50 = percentile(added, 0.5);
  say(`overhead of the executor p50 ${p50.toFixed(2)} ms over ${added.length} calls`);
  return {
    case: 'executor-overhead',
    side: 'product',
    concurrency: 1,
    rps: added.length / 4,
    p50_ms: p50,
    p95_ms: percentile(added, 0.95),
    p99_ms: percentile(added, 0.99),
    rps_min: 0,
    rps_max: 0,
    failed: 0,
    runs: added.length,
  };
};
