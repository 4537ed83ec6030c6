import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../../src/kernel/limits.ts';
import type { Appender, InRecord, OutRecord } from '../../../src/messaging/messaging.ts';
import { codeOf, eventually, numbers, out, read, type Suite, texts } from './fixture.ts';

/** What an appender promises. */
export const describeAppending = (suite: Suite): void => {
  describe('appending', () => {
    let appender: Appender;
    beforeAll(async () => {
      appender = await suite.messaging.appender({ name: 'conformance' });
    });
    afterAll(async () => {
      await appender.close();
    });

    it('keeps the order of the calls and tells each record its place', async () => {
      const topic = await suite.freshTopic();
      const values = numbers(1000).map((each) => `record ${each}`);
      const places = await Promise.all(values.map(async (value) => await appender.append(out(topic, value))));
      expect(places.map((place) => place.offset)).toEqual(values.map((_, index) => BigInt(index)));
      const { reader, records } = await read(suite.messaging, topic);
      await eventually('all records are read', () => records.length === values.length);
      expect(texts(records)).toEqual(values);
      expect(records.map((record) => record.offset)).toEqual(places.map((place) => place.offset));
      await reader.close();
    });

    it('carries keys, repeated headers, empty and null values and arbitrary bytes unchanged', async () => {
      const topic = await suite.freshTopic();
      const bytes = Buffer.from(numbers(512).map((each) => (each * 37) % 256));
      const headers = [
        ['a', Buffer.from('1')],
        ['a', bytes],
        ['empty', Buffer.alloc(0)],
        ['ünïcode', Buffer.from('ü')],
      ] as const;
      const sent: OutRecord[] = [
        out(topic, bytes, { key: bytes, headers }),
        out(topic, null, { key: Buffer.from('gone') }),
        out(topic, Buffer.alloc(0), { key: Buffer.alloc(0) }),
        out(topic, null),
      ];
      for (const record of sent) await appender.append(record);
      const { reader, records } = await read(suite.messaging, topic);
      await eventually('all records are read', () => records.length === sent.length);
      const plain = (record: OutRecord | InRecord) => ({
        key: record.key?.toString('hex') ?? null,
        value: record.value?.toString('hex') ?? null,
        headers: record.headers.map(([name, value]) => [name, value.toString('hex')]),
      });
      expect(records.map(plain)).toEqual(sent.map(plain));
      expect(records[0]?.topic).toBe(topic.name);
      await reader.close();
    });

    it('chooses the partition by the murmur2 hash of the key, as other clients of Kafka do', async () => {
      const topic = await suite.freshTopic(12);
      const known: [string, number][] = [
        ['21', -973_932_308],
        ['foobar', -790_332_482],
        ['a-little-bit-long-string', -985_981_536],
        ['a-little-bit-longer-string', -1_486_304_829],
        ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
        ['abc', 479_470_107],
      ];
      for (const [key, hash] of known) {
        const record = { topic, key: Buffer.from(key), value: Buffer.from('v'), headers: [] };
        expect((await appender.append(record)).partition).toBe((hash & 0x7fffffff) % 12);
      }
    });

    it('splits large records of one partition over several batches', async () => {
      const topic = await suite.freshTopic();
      const places = await Promise.all(
        numbers(6).map(async (each) => await appender.append(out(topic, Buffer.alloc(200 * 1024, each)))),
      );
      expect(places.map((place) => place.offset)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
      const { reader, records } = await read(suite.messaging, topic);
      await eventually('all records are read', () => records.length === 6);
      expect(records.map((record) => record.value?.[0])).toEqual([0, 1, 2, 3, 4, 5]);
      await reader.close();
    });

    it('refuses a record above the limit alone; its neighbours pass', async () => {
      const topic = await suite.freshTopic();
      const before = appender.append(out(topic, 'before'));
      const large = codeOf(appender.append(out(topic, Buffer.alloc(limits.batchBytes + 1))));
      const after = appender.append(out(topic, 'after'));
      expect(await large).toBe('MESSAGING_TOO_LARGE');
      expect([(await before).offset, (await after).offset]).toEqual([0n, 1n]);
    });

    it('refuses what exceeds the bounded queue and sends the rest', async () => {
      const topic = await suite.freshTopic();
      const given = limits.appendQueueRecords + 10;
      const outcomes = await Promise.all(
        numbers(given).map(async () => await codeOf(appender.append(out(topic, 'x')))),
      );
      const refused = outcomes.filter((each) => each === 'MESSAGING_QUEUE_FULL').length;
      expect(refused).toBeGreaterThan(0);
      expect(outcomes.filter((each) => each === 'resolved')).toHaveLength(given - refused);
      expect(await suite.messaging.admin.endOffsets(topic, 'uncommitted')).toEqual([BigInt(given - refused)]);
    });

    it('sends what waits before it closes, and nothing afterwards', async () => {
      const topic = await suite.freshTopic();
      const own = await suite.messaging.appender({ name: 'closing' });
      const last = own.append(out(topic, 'last'));
      await own.close();
      await own.close();
      expect((await last).offset).toBe(0n);
      expect(await codeOf(own.append(out(topic, 'late')))).toBe('MESSAGING_CLOSED');
    });

    it("stamps records with the log's time, also when a sender's clock is decades behind", async () => {
      const topic = await suite.freshTopic();
      await suite.rig.appendForeign(out(topic, 'old'), 1);
      await appender.append(out(topic, 'new'));
      const { reader, records } = await read(suite.messaging, topic);
      await eventually('both are read', () => records.length === 2);
      const [old, young] = records.map((record) => record.timestampMs);
      expect(old).toBeGreaterThan(1_000_000);
      expect((young ?? 0) - (old ?? 0)).toBeGreaterThanOrEqual(0);
      expect((young ?? 0) - (old ?? 0)).toBeLessThan(60_000);
      await reader.close();
    });
  });
};
