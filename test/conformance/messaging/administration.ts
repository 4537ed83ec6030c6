import { describe, expect, it } from 'vitest';
import type { Topic } from '../../../src/kernel/topics.ts';
import { codeOf, eventually, Member, offsetOf, out, type Suite } from './fixture.ts';

/** What the administration of a log promises. */
export const describeAdministration = (suite: Suite): void => {
  describe('administration', () => {
    it('creates missing topics once and reports what differs on existing ones', async () => {
      const topic = await suite.freshTopic(2);
      expect(await suite.messaging.admin.ensureTopics([topic])).toEqual([]);
      const changed: Topic = { ...topic, partitions: 3, cleanup: 'compact', retentionMs: 5 };
      const mismatches = await suite.messaging.admin.ensureTopics([changed]);
      expect(mismatches).toContainEqual({ topic: topic.name, property: 'partitions', declared: '3', actual: '2' });
      expect(mismatches).toContainEqual({
        topic: topic.name,
        property: 'cleanup',
        declared: 'compact',
        actual: 'delete',
      });
      const retention: Topic = { ...topic, retentionMs: 5 };
      expect(await suite.messaging.admin.ensureTopics([retention])).toEqual([
        { topic: topic.name, property: 'retentionMs', declared: '5', actual: '3600000' },
      ]);
    });

    it('tells end offsets, committed offsets and lag per partition', async () => {
      const topic = await suite.freshTopic(2);
      const group = `${topic.name}-g`;
      await suite.fill(topic, ['a', 'b', 'c'], 0);
      await suite.fill(topic, ['d'], 1);
      expect(await suite.messaging.admin.endOffsets(topic, 'committed')).toEqual([3n, 1n]);
      expect(await suite.messaging.admin.lag(group, topic)).toEqual([3n, 1n]);
      const member = await new Member().join(suite.messaging, { group, topics: [topic] });
      await eventually('it owns both', () => member.assigned.length === 2);
      await member.joined.commit([offsetOf(member.owned(0), 2n)]);
      expect(await suite.messaging.admin.committed(group, topic)).toEqual([2n, null]);
      expect(await suite.messaging.admin.lag(group, topic)).toEqual([1n, 1n]);
      await member.joined.close();
    });

    it('counts in a lag what is to be done: no markers of transactions, nothing that was aborted', async () => {
      const topic = await suite.freshTopic();
      const group = `${topic.name}-g`;
      const transactor = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      const member = await new Member().join(suite.messaging, { group, topics: [topic] });
      await eventually('it owns it', () => member.assigned.length === 1);
      await transactor.append(out(topic, 'done'));
      await transactor.commit([]);
      await transactor.append(out(topic, 'dropped'));
      await transactor.abort();
      const stable = async (): Promise<bigint | undefined> =>
        (await suite.messaging.admin.endOffsets(topic, 'committed'))[0];
      await eventually('the markers are written', async () => (await stable()) === 4n);
      expect(await suite.messaging.admin.lag(group, topic)).toEqual([1n]);
      await member.joined.commit([offsetOf(member.owned(0), 1n)]);
      expect(await suite.messaging.admin.lag(group, topic)).toEqual([0n]);
      await transactor.append(out(topic, 'open'));
      expect(await suite.messaging.admin.lag(group, topic)).toEqual([1n]);
      await transactor.close();
      await member.joined.close();
    });

    it('answers pings, and closes everything that was opened', async () => {
      const topic = await suite.freshTopic();
      const other = await suite.rig.another();
      await other.admin.ping(10_000);
      const appender = await other.appender({ name: 'left open' });
      const member = await new Member().join(other, { group: `${topic.name}-g`, topics: [topic] });
      await eventually('it is assigned', () => member.assigned.length === 1);
      await other.close();
      await other.close();
      expect(member.assigned[0]?.state).toBe('ended');
      expect(await codeOf(appender.append(out(topic, 'late')))).toBe('MESSAGING_CLOSED');
      expect(await codeOf(other.appender({ name: 'late' }))).toBe('MESSAGING_CLOSED');
    });
  });
};
