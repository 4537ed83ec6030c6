import { describe, expect, it } from 'vitest';
import { eventually, numbers, out, read, type Suite, texts } from './fixture.ts';

/** What a reader outside of groups promises. */
export const describeOwnReading = (suite: Suite): void => {
  describe('own reading', () => {
    it('starts at the end or at an offset', async () => {
      const topic = await suite.freshTopic();
      await suite.fill(topic, ['0', '1', '2']);
      const middle = await read(suite.messaging, topic, { from: 1n });
      const end = await read(suite.messaging, topic, { from: 'end' });
      expect(end.reader.position).toBe(3n);
      await suite.fill(topic, ['3']);
      await eventually('both read', () => middle.records.length === 3 && end.records.length === 1);
      expect([texts(middle.records), texts(end.records)]).toEqual([['1', '2', '3'], ['3']]);
      expect(end.reader.position).toBe(4n);
      expect(end.positions.at(-1)).toBe(4n);
      await middle.reader.close();
      await end.reader.close();
    });

    it('hands over the next batch only after the promise of the one before', async () => {
      const topic = await suite.freshTopic();
      let inside = 0;
      let most = 0;
      const seen: string[] = [];
      const reader = await suite.messaging.own({
        topic,
        partition: 0,
        from: 'start',
        isolation: 'committed',
        onRecords: async (records) => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise((resolve) => setImmediate(resolve));
          seen.push(...texts(records));
          inside -= 1;
        },
        onFailed: (error) => {
          throw error;
        },
      });
      for (const each of numbers(30)) await suite.fill(topic, [String(each)]);
      await eventually('all are read', () => seen.length === 30);
      expect(seen).toEqual(numbers(30).map(String));
      expect(most).toBe(1);
      await reader.close();
    });

    it('moves its position past transaction markers and aborted records', async () => {
      const topic = await suite.freshTopic();
      const transactor = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      const committed = await read(suite.messaging, topic, { isolation: 'committed' });
      const uncommitted = await read(suite.messaging, topic);
      await transactor.append(out(topic, 'kept'));
      await transactor.commit([]);
      await transactor.append(out(topic, 'dropped'));
      await transactor.abort();
      const end = 4n;
      const stable = async (): Promise<bigint | undefined> =>
        (await suite.messaging.admin.endOffsets(topic, 'committed'))[0];
      await eventually('the markers are written', async () => (await stable()) === end);
      await eventually(
        'both reach the end',
        () => committed.reader.position === end && uncommitted.reader.position === end,
      );
      expect(texts(committed.records)).toEqual(['kept']);
      expect(texts(uncommitted.records)).toEqual(['kept', 'dropped']);
      expect(committed.positions.at(-1)).toBe(end);
      await committed.reader.close();
      await uncommitted.reader.close();
      await transactor.close();
    });

    it('hands over nothing after it was closed', async () => {
      const topic = await suite.freshTopic();
      const { reader, records } = await read(suite.messaging, topic);
      await reader.close();
      await reader.close();
      await suite.fill(topic, ['late']);
      const second = await read(suite.messaging, topic);
      await eventually('another reader has it', () => second.records.length === 1);
      expect(records).toEqual([]);
      await second.reader.close();
    });
  });
};
