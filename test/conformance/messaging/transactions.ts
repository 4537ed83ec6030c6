import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/kernel/limits.ts';
import type { Topic } from '../../../src/kernel/topics.ts';
import { codeOf, eventually, Member, numbers, offsetOf, out, read, type Suite, texts } from './fixture.ts';

/** What a transactor promises. */
export const describeTransactions = (suite: Suite): void => {
  describe('transactions', () => {
    it('shows records at once to uncommitted readers and after the commit to committed ones', async () => {
      const topic = await suite.freshTopic();
      const transactor = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      const committed = await read(suite.messaging, topic, { isolation: 'committed' });
      const uncommitted = await read(suite.messaging, topic);
      const place = await transactor.append(out(topic, 'value'));
      expect(place).toEqual({ partition: 0, offset: 0n });
      await eventually('visible uncommitted', () => uncommitted.records.length === 1);
      expect(committed.records).toEqual([]);
      expect(await suite.messaging.admin.endOffsets(topic, 'committed')).toEqual([0n]);
      expect(await suite.messaging.admin.endOffsets(topic, 'uncommitted')).toEqual([1n]);
      await transactor.commit([]);
      await eventually('visible committed', () => committed.records.length === 1);
      await committed.reader.close();
      await uncommitted.reader.close();
      await transactor.close();
    });

    it('puts appends that are given during a commit into the next transaction', async () => {
      const topic = await suite.freshTopic(2);
      const transactor = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      const committed = await read(suite.messaging, topic, { isolation: 'committed' });
      await transactor.append(out(topic, 'first'));
      const commit = transactor.commit([]);
      const next = transactor.append(out(topic, 'second'));
      await commit;
      await next;
      await eventually('the first is visible', () => committed.records.length === 1);
      await transactor.abort();
      await transactor.append(out(topic, 'third', { partition: 1 }));
      await transactor.commit([]);
      const [end] = await suite.messaging.admin.endOffsets(topic, 'committed');
      await eventually('the end is reached', () => committed.reader.position === end);
      expect(texts(committed.records)).toEqual(['first']);
      await committed.reader.close();
      await transactor.close();
    });

    it('commits a transaction of which records were refused for good, without them', async () => {
      const topic = await suite.freshTopic();
      const missing: Topic = { ...topic, name: `missing.${topic.name}`, ofAccount: true };
      const transactor = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      const before = transactor.append(out(topic, 'before'));
      const refused = [
        codeOf(transactor.append(out(topic, Buffer.alloc(limits.batchBytes + 1)))),
        codeOf(transactor.append(out(missing, 'to nobody'))),
      ];
      const after = transactor.append(out(topic, 'after'));
      expect(await Promise.all(refused)).toEqual(['MESSAGING_TOO_LARGE', 'MESSAGING_TOPIC_MISMATCH']);
      expect([(await before).offset, (await after).offset]).toEqual([0n, 1n]);
      await transactor.commit([]);
      const { reader, records } = await read(suite.messaging, topic, { isolation: 'committed' });
      await eventually('both are committed', () => records.length === 2);
      await suite.messaging.admin.ensureTopics([missing]);
      await transactor.append(out(missing, 'to somebody'));
      await transactor.commit([]);
      await reader.close();
      await transactor.close();
    });

    it('commits many small transactions one after the other', async () => {
      const topic = await suite.freshTopic();
      const transactor = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      for (const each of numbers(20)) {
        await transactor.append(out(topic, String(each)));
        await transactor.commit([]);
      }
      await transactor.commit([]);
      await transactor.abort();
      const { reader, records } = await read(suite.messaging, topic, { isolation: 'committed' });
      await eventually('all are read', () => records.length === 20);
      expect(texts(records)).toEqual(numbers(20).map(String));
      await reader.close();
      await transactor.close();
    });

    it('fences an earlier transactor with the same id and aborts what it left open', async () => {
      const topic = await suite.freshTopic();
      const other = await suite.rig.another();
      const old = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      await old.append(out(topic, 'left open'));
      const young = await other.transactor({ transactionalId: `${topic.name}-t` });
      await young.append(out(topic, 'taken over'));
      await young.commit([]);
      expect(await codeOf(old.commit([]))).toBe('MESSAGING_FENCED');
      expect(await codeOf(old.append(out(topic, 'ghost')))).toBe('MESSAGING_FENCED');
      const { reader, records } = await read(suite.messaging, topic, { isolation: 'committed' });
      const [end] = await suite.messaging.admin.endOffsets(topic, 'uncommitted');
      await eventually('the end is reached', () => reader.position === end);
      expect(texts(records)).toEqual(['taken over']);
      await reader.close();
      await old.close();
      await other.close();
    });

    it('commits offsets only together with the transaction', async () => {
      const input = await suite.freshTopic();
      const output = await suite.freshTopic();
      const group = `${input.name}-g`;
      await suite.fill(input, ['a', 'b', 'c']);
      const member = await new Member().join(suite.messaging, { group, topics: [input] });
      await eventually('all are delivered', () => member.records.length === 3);
      const transactor = await suite.messaging.transactor({ transactionalId: `${input.name}-t` });
      const offsets = (offset: bigint) => [
        { membership: member.joined, offsets: [offsetOf(member.owned(0), offset, `holes below ${offset}`)] },
      ];
      await transactor.append(out(output, 'aborted'));
      await transactor.abort();
      expect(await suite.messaging.admin.committed(group, input)).toEqual([null]);
      await transactor.append(out(output, 'done'));
      await transactor.commit(offsets(2n));
      await eventually(
        'the offset stands',
        async () => (await suite.messaging.admin.committed(group, input))[0] === 2n,
      );
      await transactor.commit(offsets(3n));
      await eventually(
        'offsets alone do too',
        async () => (await suite.messaging.admin.committed(group, input))[0] === 3n,
      );
      await transactor.close();
      await member.joined.close();
      const taker = await new Member().join(suite.messaging, { group, topics: [input] });
      await eventually('it is assigned again', () => taker.assigned.length === 1);
      expect(taker.owned(0).committed).toEqual({ offset: 3n, metadata: 'holes below 3' });
      await taker.joined.close();
    });

    it('refuses to commit offsets of an assignment that has ended and aborts the transaction', async () => {
      const input = await suite.freshTopic();
      const output = await suite.freshTopic();
      const group = `${input.name}-g`;
      const member = await new Member().join(suite.messaging, { group, topics: [input] });
      await eventually('it is assigned', () => member.assigned.length === 1);
      const membership = member.joined;
      await membership.close();
      const transactor = await suite.messaging.transactor({ transactionalId: `${input.name}-t` });
      await transactor.append(out(output, 'late'));
      const code = await codeOf(transactor.commit([{ membership, offsets: [offsetOf(member.owned(0), 1n)] }]));
      expect(code).toBe('MESSAGING_ABORTED');
      await transactor.append(out(output, 'next'));
      await transactor.commit([]);
      const { reader, records } = await read(suite.messaging, output, { isolation: 'committed' });
      await eventually('the next is read', () => records.length === 1);
      expect(texts(records)).toEqual(['next']);
      expect(await suite.messaging.admin.committed(group, input)).toEqual([null]);
      await reader.close();
      await transactor.close();
    });
  });
};
