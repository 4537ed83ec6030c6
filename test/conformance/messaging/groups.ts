import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/kernel/limits.ts';
import type { Assignment, InRecord } from '../../../src/messaging/messaging.ts';
import { codeOf, eventually, Member, numbers, offsetOf, out, type Suite, texts } from './fixture.ts';

/** What a member of a group promises. */
export const describeGroups = (suite: Suite): void => {
  describe('groups', () => {
    it('hands partitions to a second member only after their drain, while the others keep working', async () => {
      const topic = await suite.freshTopic(4);
      const group = `${topic.name}-g`;
      const other = await suite.rig.another();
      const draining: number[] = [];
      let release = (): void => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const first = await new Member().join(suite.messaging, {
        group,
        topics: [topic],
        onRevoked: async (assignment) => {
          draining.push(assignment.partition);
          expect(assignment.state).toBe('draining');
          await released;
          await first.joined.commit([offsetOf(assignment, 7n, 'drained')]);
        },
      });
      await eventually('the first owns all', () => first.assigned.length === 4);
      const second = await new Member().join(other, { group, topics: [topic] });
      await eventually('two are asked back', () => draining.length === 2);
      const kept = numbers(4).find((each) => !draining.includes(each)) ?? -1;
      await suite.fill(topic, ['meanwhile'], kept);
      await suite.fill(topic, ['held back'], draining[0]);
      await eventually('a kept partition works on', () => texts(first.records).includes('meanwhile'));
      expect(second.assigned.filter((each) => draining.includes(each.partition))).toEqual([]);
      expect(texts(first.records)).not.toContain('held back');
      release();
      await eventually('the second has them', () => second.assigned.length === 2);
      expect(second.partitions).toEqual([...draining].sort((left, right) => left - right));
      for (const partition of draining) {
        expect(second.owned(partition).committed).toEqual({ offset: 7n, metadata: 'drained' });
        expect(first.owned(partition).state).toBe('ended');
      }
      expect(await codeOf(first.joined.commit([offsetOf(first.owned(draining[0] ?? 0), 9n)]))).toBe(
        'MESSAGING_ASSIGNMENT_ENDED',
      );
      expect(await codeOf(second.joined.commit([offsetOf(second.owned(draining[0] ?? 0), 8n)]))).toBe('resolved');
      await second.joined.close();
      await eventually('the first has all again', () => first.partitions.length === 4);
      await first.joined.close();
      await other.close();
    });

    it('gives each member its part of each topic when asked to', async () => {
      const topics = [await suite.freshTopic(4), await suite.freshTopic(4)];
      const group = `${topics[0]?.name ?? ''}-g`;
      const other = await suite.rig.another();
      const first = await new Member().join(suite.messaging, { group, topics, balance: 'each' });
      await eventually('the first owns all', () => first.assigned.length === 8);
      const second = await new Member().join(other, { group, topics, balance: 'each' });
      await eventually('both own half', () => first.partitions.length === 4 && second.partitions.length === 4);
      for (const { joined } of [first, second]) {
        const owned = topics.map(({ name }) => joined.assignments.filter(({ topic }) => topic === name).length);
        expect(owned).toEqual([2, 2]);
      }
      await second.joined.close();
      await first.joined.close();
      await other.close();
    });

    it('lets a taker continue at the committed offset, with the metadata and the records named in it', async () => {
      const topic = await suite.freshTopic();
      const group = `${topic.name}-g`;
      const metadata = 'h'.repeat(limits.commitMetadataBytes - 1);
      await suite.fill(topic, numbers(10).map(String));
      const first = await new Member().join(suite.messaging, { group, topics: [topic] });
      await eventually('all are delivered', () => first.records.length === 10);
      await first.joined.commit([offsetOf(first.owned(0), 8n, metadata)]);
      await first.joined.close();
      let fetched: readonly InRecord[] = [];
      const taken: Assignment[] = [];
      const taker = await new Member().join(suite.messaging, {
        group,
        topics: [topic],
        onAssigned: async (assignment) => {
          taken.push(assignment);
          fetched = await assignment.fetch([6n, 2n, 99n]);
        },
      });
      await eventually('it continues', () => taker.records.length === 2);
      expect(texts(taker.records)).toEqual(['8', '9']);
      expect(texts(fetched)).toEqual(['2', '6']);
      expect(taken.map((each) => each.committed)).toEqual([{ offset: 8n, metadata }]);
      await taker.joined.close();
    });

    it('starts where onAssigned seeks to', async () => {
      const topic = await suite.freshTopic();
      await suite.fill(topic, ['0', '1', '2', '3']);
      const member = await new Member().join(suite.messaging, {
        group: `${topic.name}-g`,
        topics: [topic],
        onAssigned: (assignment) => {
          assignment.seek(2n);
        },
      });
      await eventually('the rest is delivered', () => member.records.length === 2);
      expect(texts(member.records)).toEqual(['2', '3']);
      expect(member.joined.assignments[0]?.next).toBe(4n);
      await member.joined.close();
    });

    it('starts at the end without a committed offset when asked to', async () => {
      const topic = await suite.freshTopic();
      await suite.fill(topic, ['before']);
      const member = await new Member().join(suite.messaging, {
        group: `${topic.name}-g`,
        topics: [topic],
        from: 'latest',
      });
      await eventually('it is assigned', () => member.joined.assignments[0]?.next === 1n);
      await suite.fill(topic, ['after']);
      await eventually('it reads on', () => member.records.length === 1);
      expect(texts(member.records)).toEqual(['after']);
      await member.joined.close();
    });

    it('pauses and resumes one partition without the others', async () => {
      const topic = await suite.freshTopic(2);
      const member = await new Member().join(suite.messaging, { group: `${topic.name}-g`, topics: [topic] });
      await eventually('it owns both', () => member.assigned.length === 2);
      member.owned(0).pause();
      member.owned(0).pause();
      await suite.fill(topic, ['paused'], 0);
      await suite.fill(topic, ['running'], 1);
      await eventually('the other runs', () => member.records.length === 1);
      expect(texts(member.records)).toEqual(['running']);
      member.owned(0).resume();
      member.owned(0).resume();
      await eventually('it goes on', () => member.records.length === 2);
      expect(texts(member.records)).toEqual(['running', 'paused']);
      await member.joined.close();
    });

    it('hides records of open and aborted transactions from committed members', async () => {
      const topic = await suite.freshTopic();
      const transactor = await suite.messaging.transactor({ transactionalId: `${topic.name}-t` });
      await transactor.append(out(topic, 'aborted'));
      await transactor.abort();
      await transactor.append(out(topic, 'committed'));
      await transactor.commit([]);
      await transactor.append(out(topic, 'open'));
      const strict = await new Member().join(suite.messaging, { group: `${topic.name}-s`, topics: [topic] });
      const eager = await new Member().join(suite.messaging, {
        group: `${topic.name}-e`,
        topics: [topic],
        isolation: 'uncommitted',
      });
      await eventually('both read', () => strict.records.length === 1 && eager.records.length === 3);
      expect(texts(strict.records)).toEqual(['committed']);
      expect(texts(eager.records)).toEqual(['aborted', 'committed', 'open']);
      await transactor.close();
      await strict.joined.close();
      await eager.joined.close();
    });

    it('reports everything as lost to an expelled member, which joins again', async () => {
      const topic = await suite.freshTopic(2);
      const group = `${topic.name}-g`;
      const member = await new Member().join(suite.messaging, { group, topics: [topic] });
      await eventually('it owns both', () => member.assigned.length === 2);
      const before = [...member.assigned];
      await suite.rig.expel(group, member.joined.memberId);
      await eventually('both are lost', () => member.lost.length === 2);
      expect(before.map((each) => each.state)).toEqual(['ended', 'ended']);
      await eventually('it has them again', () => member.assigned.length === 4);
      expect(new Set(member.assigned.map((each) => each.generation)).size).toBe(4);
      await suite.fill(topic, ['again']);
      await eventually('it works', () => texts(member.records).includes('again'));
      expect(member.log.filter((line) => line.startsWith('failed') || line.startsWith('revoked'))).toEqual([]);
      await member.joined.close();
    });

    it('ends the membership when onRecords throws', async () => {
      const topic = await suite.freshTopic();
      const failures: Error[] = [];
      const member = await new Member().join(suite.messaging, {
        group: `${topic.name}-g`,
        topics: [topic],
        onRecords: () => {
          throw new Error('a bug');
        },
        onFailed: (error) => {
          failures.push(error);
        },
      });
      await suite.fill(topic, ['trigger']);
      await eventually('it failed', () => failures.length === 1);
      expect(failures[0]?.message).toContain('a bug');
      await member.joined.close();
    });

    it('drains everything before it leaves, and may be closed twice', async () => {
      const topic = await suite.freshTopic(2);
      const group = `${topic.name}-g`;
      const member: Member = await new Member().join(suite.messaging, {
        group,
        topics: [topic],
        onRevoked: async (assignment) => {
          await member.joined.commit([offsetOf(assignment, BigInt(assignment.partition + 1))]);
        },
      });
      await eventually('it owns both', () => member.assigned.length === 2);
      await Promise.all([member.joined.close(), member.joined.close()]);
      expect(member.partitions).toEqual([]);
      expect(await suite.messaging.admin.committed(group, topic)).toEqual([1n, 2n]);
    });
  });
};
