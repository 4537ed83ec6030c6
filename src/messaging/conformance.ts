/* eslint-disable max-lines -- the one suite of the port, one describe per part of it */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../kernel/limits.ts';
import type { Topic } from '../kernel/topics.ts';
import type {
  Appender,
  Assignment,
  InRecord,
  JoinOptions,
  Membership,
  Messaging,
  OutRecord,
  OwnReader,
  PartitionOffset,
} from './messaging.ts';

/** A log under test and what the suite needs beside the port. */
export interface MessagingUnderTest {
  readonly messaging: Messaging;
  /** One more client of the same log, as another process would have it. The suite closes it. */
  another(): Promise<Messaging>;
  /** Appends a record that carries a timestamp of its sender's clock, as a foreign client would. */
  appendForeign(record: OutRecord, timestampMs: number): Promise<void>;
  /** Makes the log forget a member of a group, as after its session timed out; the member itself is not told. */
  expel(group: string, memberId: string): Promise<void>;
  close(): Promise<void>;
}

const text = (record: InRecord): string => record.value?.toString('utf8') ?? '';
const texts = (records: readonly InRecord[]): string[] => records.map(text);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const eventually = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  await expect.poll(condition, { timeout: 20_000, interval: 5, message: what }).toBe(true);
};

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );

interface Reading {
  readonly reader: OwnReader;
  readonly records: InRecord[];
  readonly positions: bigint[];
}

const read = async (
  messaging: Messaging,
  topic: Topic,
  options: { partition?: number; isolation?: 'committed' | 'uncommitted'; from?: 'start' | 'end' | bigint } = {},
): Promise<Reading> => {
  const records: InRecord[] = [];
  const positions: bigint[] = [];
  const reader = await messaging.own({
    topic,
    partition: options.partition ?? 0,
    from: options.from ?? 'start',
    isolation: options.isolation ?? 'uncommitted',
    onRecords: (batch) => {
      records.push(...batch);
    },
    onPosition: (position) => {
      positions.push(position);
    },
    onFailed: (error) => {
      throw error;
    },
  });
  return { reader, records, positions };
};

/** A member that keeps what it was told. */
class Member {
  readonly log: string[] = [];
  readonly records: InRecord[] = [];
  readonly assigned: Assignment[] = [];
  readonly lost: Assignment[] = [];
  membership: Membership | undefined;

  get joined(): Membership {
    if (this.membership === undefined) throw new Error('The member has not joined.');
    return this.membership;
  }

  get partitions(): number[] {
    return this.joined.assignments.map((each) => each.partition).sort((left, right) => left - right);
  }

  owned(partition: number): Assignment {
    const found = this.assigned.findLast((each) => each.partition === partition);
    if (found === undefined) throw new Error(`Partition ${partition} was never assigned.`);
    return found;
  }

  async join(
    messaging: Messaging,
    options: Partial<JoinOptions> & Pick<JoinOptions, 'group' | 'topics'>,
  ): Promise<this> {
    this.membership = await messaging.join({
      onAssigned: (assignment) => {
        this.assigned.push(assignment);
        this.log.push(`assigned ${assignment.partition}`);
      },
      onRecords: (_assignment, records) => {
        this.records.push(...records);
      },
      onRevoked: async (assignment) => {
        this.log.push(`revoked ${assignment.partition}`);
        await Promise.resolve();
      },
      onLost: (assignment) => {
        this.lost.push(assignment);
        this.log.push(`lost ${assignment.partition}`);
      },
      onFailed: (error) => {
        this.log.push(`failed ${error.message}`);
      },
      ...options,
    });
    return this;
  }
}

/** The suite that every driver of the port passes. `open` is called once; topics are made fresh for each test. */
export const messagingConformance = (suiteName: string, open: () => Promise<MessagingUnderTest>): void => {
  describe(suiteName, { timeout: 40_000 }, () => {
    let rig: MessagingUnderTest;
    let made = 0;

    beforeAll(async () => {
      rig = await open();
    });
    afterAll(async () => {
      await rig.close();
    });

    const freshTopic = async (partitions = 1): Promise<Topic> => {
      made += 1;
      const topic: Topic = {
        name: `conformance.${made}.v1`,
        contract: null,
        key: 'any',
        partitions,
        cleanup: 'delete',
        retentionMs: 3_600_000,
      };
      expect(await rig.messaging.admin.ensureTopics([topic])).toEqual([]);
      return topic;
    };

    const out = (topic: Topic, value: string | Buffer | null, more: Partial<OutRecord> = {}): OutRecord => ({
      topic,
      partition: 0,
      key: null,
      value: typeof value === 'string' ? Buffer.from(value) : value,
      headers: [],
      ...more,
    });

    const fill = async (topic: Topic, values: readonly string[], partition = 0): Promise<void> => {
      const appender = await rig.messaging.appender({ name: 'fill' });
      await Promise.all(values.map(async (value) => await appender.append(out(topic, value, { partition }))));
      await appender.close();
    };

    const offsetOf = (assignment: Assignment, offset: bigint, metadata = ''): PartitionOffset => ({
      assignment,
      offset,
      metadata,
    });

    describe('appending', () => {
      let appender: Appender;
      beforeAll(async () => {
        appender = await rig.messaging.appender({ name: 'conformance' });
      });
      afterAll(async () => {
        await appender.close();
      });

      it('keeps the order of the calls and tells each record its place', async () => {
        const topic = await freshTopic();
        const values = numbers(1000).map((each) => `record ${each}`);
        const places = await Promise.all(values.map(async (value) => await appender.append(out(topic, value))));
        expect(places.map((place) => place.offset)).toEqual(values.map((_, index) => BigInt(index)));
        const { reader, records } = await read(rig.messaging, topic);
        await eventually('all records are read', () => records.length === values.length);
        expect(texts(records)).toEqual(values);
        expect(records.map((record) => record.offset)).toEqual(places.map((place) => place.offset));
        await reader.close();
      });

      it('carries keys, repeated headers, empty and null values and arbitrary bytes unchanged', async () => {
        const topic = await freshTopic();
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
        const { reader, records } = await read(rig.messaging, topic);
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
        const topic = await freshTopic(12);
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
        const topic = await freshTopic();
        const places = await Promise.all(
          numbers(6).map(async (each) => await appender.append(out(topic, Buffer.alloc(200 * 1024, each)))),
        );
        expect(places.map((place) => place.offset)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
        const { reader, records } = await read(rig.messaging, topic);
        await eventually('all records are read', () => records.length === 6);
        expect(records.map((record) => record.value?.[0])).toEqual([0, 1, 2, 3, 4, 5]);
        await reader.close();
      });

      it('refuses a record above the limit alone; its neighbours pass', async () => {
        const topic = await freshTopic();
        const before = appender.append(out(topic, 'before'));
        const large = codeOf(appender.append(out(topic, Buffer.alloc(limits.batchBytes + 1))));
        const after = appender.append(out(topic, 'after'));
        expect(await large).toBe('MESSAGING_TOO_LARGE');
        expect([(await before).offset, (await after).offset]).toEqual([0n, 1n]);
      });

      it('refuses what exceeds the bounded queue and sends the rest', async () => {
        const topic = await freshTopic();
        const given = limits.appendQueueRecords + 10;
        const outcomes = await Promise.all(
          numbers(given).map(async () => await codeOf(appender.append(out(topic, 'x')))),
        );
        const refused = outcomes.filter((each) => each === 'MESSAGING_QUEUE_FULL').length;
        expect(refused).toBeGreaterThan(0);
        expect(outcomes.filter((each) => each === 'resolved')).toHaveLength(given - refused);
        expect(await rig.messaging.admin.endOffsets(topic, 'uncommitted')).toEqual([BigInt(given - refused)]);
      });

      it('sends what waits before it closes, and nothing afterwards', async () => {
        const topic = await freshTopic();
        const own = await rig.messaging.appender({ name: 'closing' });
        const last = own.append(out(topic, 'last'));
        await own.close();
        await own.close();
        expect((await last).offset).toBe(0n);
        expect(await codeOf(own.append(out(topic, 'late')))).toBe('MESSAGING_CLOSED');
      });

      it("stamps records with the log's time, also when a sender's clock is decades behind", async () => {
        const topic = await freshTopic();
        await rig.appendForeign(out(topic, 'old'), 1);
        await appender.append(out(topic, 'new'));
        const { reader, records } = await read(rig.messaging, topic);
        await eventually('both are read', () => records.length === 2);
        const [old, young] = records.map((record) => record.timestampMs);
        expect(old).toBeGreaterThan(1_000_000);
        expect((young ?? 0) - (old ?? 0)).toBeGreaterThanOrEqual(0);
        expect((young ?? 0) - (old ?? 0)).toBeLessThan(60_000);
        await reader.close();
      });
    });

    describe('own reading', () => {
      it('starts at the end or at an offset', async () => {
        const topic = await freshTopic();
        await fill(topic, ['0', '1', '2']);
        const middle = await read(rig.messaging, topic, { from: 1n });
        const end = await read(rig.messaging, topic, { from: 'end' });
        expect(end.reader.position).toBe(3n);
        await fill(topic, ['3']);
        await eventually('both read', () => middle.records.length === 3 && end.records.length === 1);
        expect([texts(middle.records), texts(end.records)]).toEqual([['1', '2', '3'], ['3']]);
        expect(end.reader.position).toBe(4n);
        expect(end.positions.at(-1)).toBe(4n);
        await middle.reader.close();
        await end.reader.close();
      });

      it('hands over the next batch only after the promise of the one before', async () => {
        const topic = await freshTopic();
        let inside = 0;
        let most = 0;
        const seen: string[] = [];
        const reader = await rig.messaging.own({
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
        for (const each of numbers(30)) await fill(topic, [String(each)]);
        await eventually('all are read', () => seen.length === 30);
        expect(seen).toEqual(numbers(30).map(String));
        expect(most).toBe(1);
        await reader.close();
      });

      it('moves its position past transaction markers and aborted records', async () => {
        const topic = await freshTopic();
        const transactor = await rig.messaging.transactor({ transactionalId: `${topic.name}-t` });
        const committed = await read(rig.messaging, topic, { isolation: 'committed' });
        const uncommitted = await read(rig.messaging, topic);
        await transactor.append(out(topic, 'kept'));
        await transactor.commit([]);
        await transactor.append(out(topic, 'dropped'));
        await transactor.abort();
        const end = 4n;
        const stable = async (): Promise<bigint | undefined> =>
          (await rig.messaging.admin.endOffsets(topic, 'committed'))[0];
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
        const topic = await freshTopic();
        const { reader, records } = await read(rig.messaging, topic);
        await reader.close();
        await reader.close();
        await fill(topic, ['late']);
        const second = await read(rig.messaging, topic);
        await eventually('another reader has it', () => second.records.length === 1);
        expect(records).toEqual([]);
        await second.reader.close();
      });
    });

    describe('transactions', () => {
      it('shows records at once to uncommitted readers and after the commit to committed ones', async () => {
        const topic = await freshTopic();
        const transactor = await rig.messaging.transactor({ transactionalId: `${topic.name}-t` });
        const committed = await read(rig.messaging, topic, { isolation: 'committed' });
        const uncommitted = await read(rig.messaging, topic);
        const place = await transactor.append(out(topic, 'value'));
        expect(place).toEqual({ partition: 0, offset: 0n });
        await eventually('visible uncommitted', () => uncommitted.records.length === 1);
        expect(committed.records).toEqual([]);
        expect(await rig.messaging.admin.endOffsets(topic, 'committed')).toEqual([0n]);
        expect(await rig.messaging.admin.endOffsets(topic, 'uncommitted')).toEqual([1n]);
        await transactor.commit([]);
        await eventually('visible committed', () => committed.records.length === 1);
        await committed.reader.close();
        await uncommitted.reader.close();
        await transactor.close();
      });

      it('puts appends that are given during a commit into the next transaction', async () => {
        const topic = await freshTopic(2);
        const transactor = await rig.messaging.transactor({ transactionalId: `${topic.name}-t` });
        const committed = await read(rig.messaging, topic, { isolation: 'committed' });
        await transactor.append(out(topic, 'first'));
        const commit = transactor.commit([]);
        const next = transactor.append(out(topic, 'second'));
        await commit;
        await next;
        await eventually('the first is visible', () => committed.records.length === 1);
        await transactor.abort();
        await transactor.append(out(topic, 'third', { partition: 1 }));
        await transactor.commit([]);
        const [end] = await rig.messaging.admin.endOffsets(topic, 'committed');
        await eventually('the end is reached', () => committed.reader.position === end);
        expect(texts(committed.records)).toEqual(['first']);
        await committed.reader.close();
        await transactor.close();
      });

      it('commits a transaction of which records were refused for good, without them', async () => {
        const topic = await freshTopic();
        const missing: Topic = { ...topic, name: `missing.${topic.name}`, ofAccount: true };
        const transactor = await rig.messaging.transactor({ transactionalId: `${topic.name}-t` });
        const before = transactor.append(out(topic, 'before'));
        const refused = [
          codeOf(transactor.append(out(topic, Buffer.alloc(limits.batchBytes + 1)))),
          codeOf(transactor.append(out(missing, 'to nobody'))),
        ];
        const after = transactor.append(out(topic, 'after'));
        expect(await Promise.all(refused)).toEqual(['MESSAGING_TOO_LARGE', 'MESSAGING_TOPIC_MISMATCH']);
        expect([(await before).offset, (await after).offset]).toEqual([0n, 1n]);
        await transactor.commit([]);
        const { reader, records } = await read(rig.messaging, topic, { isolation: 'committed' });
        await eventually('both are committed', () => records.length === 2);
        await rig.messaging.admin.ensureTopics([missing]);
        await transactor.append(out(missing, 'to somebody'));
        await transactor.commit([]);
        await reader.close();
        await transactor.close();
      });

      it('commits many small transactions one after the other', async () => {
        const topic = await freshTopic();
        const transactor = await rig.messaging.transactor({ transactionalId: `${topic.name}-t` });
        for (const each of numbers(20)) {
          await transactor.append(out(topic, String(each)));
          await transactor.commit([]);
        }
        await transactor.commit([]);
        await transactor.abort();
        const { reader, records } = await read(rig.messaging, topic, { isolation: 'committed' });
        await eventually('all are read', () => records.length === 20);
        expect(texts(records)).toEqual(numbers(20).map(String));
        await reader.close();
        await transactor.close();
      });

      it('fences an earlier transactor with the same id and aborts what it left open', async () => {
        const topic = await freshTopic();
        const other = await rig.another();
        const old = await rig.messaging.transactor({ transactionalId: `${topic.name}-t` });
        await old.append(out(topic, 'left open'));
        const young = await other.transactor({ transactionalId: `${topic.name}-t` });
        await young.append(out(topic, 'taken over'));
        await young.commit([]);
        expect(await codeOf(old.commit([]))).toBe('MESSAGING_FENCED');
        expect(await codeOf(old.append(out(topic, 'ghost')))).toBe('MESSAGING_FENCED');
        const { reader, records } = await read(rig.messaging, topic, { isolation: 'committed' });
        const [end] = await rig.messaging.admin.endOffsets(topic, 'uncommitted');
        await eventually('the end is reached', () => reader.position === end);
        expect(texts(records)).toEqual(['taken over']);
        await reader.close();
        await old.close();
        await other.close();
      });

      it('commits offsets only together with the transaction', async () => {
        const input = await freshTopic();
        const output = await freshTopic();
        const group = `${input.name}-g`;
        await fill(input, ['a', 'b', 'c']);
        const member = await new Member().join(rig.messaging, { group, topics: [input] });
        await eventually('all are delivered', () => member.records.length === 3);
        const transactor = await rig.messaging.transactor({ transactionalId: `${input.name}-t` });
        const offsets = (offset: bigint) => [
          { membership: member.joined, offsets: [offsetOf(member.owned(0), offset, `holes below ${offset}`)] },
        ];
        await transactor.append(out(output, 'aborted'));
        await transactor.abort();
        expect(await rig.messaging.admin.committed(group, input)).toEqual([null]);
        await transactor.append(out(output, 'done'));
        await transactor.commit(offsets(2n));
        await eventually(
          'the offset stands',
          async () => (await rig.messaging.admin.committed(group, input))[0] === 2n,
        );
        await transactor.commit(offsets(3n));
        await eventually(
          'offsets alone do too',
          async () => (await rig.messaging.admin.committed(group, input))[0] === 3n,
        );
        await transactor.close();
        await member.joined.close();
        const taker = await new Member().join(rig.messaging, { group, topics: [input] });
        await eventually('it is assigned again', () => taker.assigned.length === 1);
        expect(taker.owned(0).committed).toEqual({ offset: 3n, metadata: 'holes below 3' });
        await taker.joined.close();
      });

      it('refuses to commit offsets of an assignment that has ended and aborts the transaction', async () => {
        const input = await freshTopic();
        const output = await freshTopic();
        const group = `${input.name}-g`;
        const member = await new Member().join(rig.messaging, { group, topics: [input] });
        await eventually('it is assigned', () => member.assigned.length === 1);
        const membership = member.joined;
        await membership.close();
        const transactor = await rig.messaging.transactor({ transactionalId: `${input.name}-t` });
        await transactor.append(out(output, 'late'));
        const code = await codeOf(transactor.commit([{ membership, offsets: [offsetOf(member.owned(0), 1n)] }]));
        expect(code).toBe('MESSAGING_ABORTED');
        await transactor.append(out(output, 'next'));
        await transactor.commit([]);
        const { reader, records } = await read(rig.messaging, output, { isolation: 'committed' });
        await eventually('the next is read', () => records.length === 1);
        expect(texts(records)).toEqual(['next']);
        expect(await rig.messaging.admin.committed(group, input)).toEqual([null]);
        await reader.close();
        await transactor.close();
      });
    });

    describe('groups', () => {
      it('hands partitions to a second member only after their drain, while the others keep working', async () => {
        const topic = await freshTopic(4);
        const group = `${topic.name}-g`;
        const other = await rig.another();
        const draining: number[] = [];
        let release = (): void => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        const first = await new Member().join(rig.messaging, {
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
        await fill(topic, ['meanwhile'], kept);
        await fill(topic, ['held back'], draining[0]);
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

      it('lets a taker continue at the committed offset, with the metadata and the records named in it', async () => {
        const topic = await freshTopic();
        const group = `${topic.name}-g`;
        const metadata = 'h'.repeat(limits.commitMetadataBytes - 1);
        await fill(topic, numbers(10).map(String));
        const first = await new Member().join(rig.messaging, { group, topics: [topic] });
        await eventually('all are delivered', () => first.records.length === 10);
        await first.joined.commit([offsetOf(first.owned(0), 8n, metadata)]);
        await first.joined.close();
        let fetched: readonly InRecord[] = [];
        const taken: Assignment[] = [];
        const taker = await new Member().join(rig.messaging, {
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
        const topic = await freshTopic();
        await fill(topic, ['0', '1', '2', '3']);
        const member = await new Member().join(rig.messaging, {
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
        const topic = await freshTopic();
        await fill(topic, ['before']);
        const member = await new Member().join(rig.messaging, {
          group: `${topic.name}-g`,
          topics: [topic],
          from: 'latest',
        });
        await eventually('it is assigned', () => member.joined.assignments[0]?.next === 1n);
        await fill(topic, ['after']);
        await eventually('it reads on', () => member.records.length === 1);
        expect(texts(member.records)).toEqual(['after']);
        await member.joined.close();
      });

      it('pauses and resumes one partition without the others', async () => {
        const topic = await freshTopic(2);
        const member = await new Member().join(rig.messaging, { group: `${topic.name}-g`, topics: [topic] });
        await eventually('it owns both', () => member.assigned.length === 2);
        member.owned(0).pause();
        member.owned(0).pause();
        await fill(topic, ['paused'], 0);
        await fill(topic, ['running'], 1);
        await eventually('the other runs', () => member.records.length === 1);
        expect(texts(member.records)).toEqual(['running']);
        member.owned(0).resume();
        member.owned(0).resume();
        await eventually('it goes on', () => member.records.length === 2);
        expect(texts(member.records)).toEqual(['running', 'paused']);
        await member.joined.close();
      });

      it('hides records of open and aborted transactions from committed members', async () => {
        const topic = await freshTopic();
        const transactor = await rig.messaging.transactor({ transactionalId: `${topic.name}-t` });
        await transactor.append(out(topic, 'aborted'));
        await transactor.abort();
        await transactor.append(out(topic, 'committed'));
        await transactor.commit([]);
        await transactor.append(out(topic, 'open'));
        const strict = await new Member().join(rig.messaging, { group: `${topic.name}-s`, topics: [topic] });
        const eager = await new Member().join(rig.messaging, {
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
        const topic = await freshTopic(2);
        const group = `${topic.name}-g`;
        const member = await new Member().join(rig.messaging, { group, topics: [topic] });
        await eventually('it owns both', () => member.assigned.length === 2);
        const before = [...member.assigned];
        await rig.expel(group, member.joined.memberId);
        await eventually('both are lost', () => member.lost.length === 2);
        expect(before.map((each) => each.state)).toEqual(['ended', 'ended']);
        await eventually('it has them again', () => member.assigned.length === 4);
        expect(new Set(member.assigned.map((each) => each.generation)).size).toBe(4);
        await fill(topic, ['again']);
        await eventually('it works', () => texts(member.records).includes('again'));
        expect(member.log.filter((line) => line.startsWith('failed') || line.startsWith('revoked'))).toEqual([]);
        await member.joined.close();
      });

      it('ends the membership when onRecords throws', async () => {
        const topic = await freshTopic();
        const failures: Error[] = [];
        const member = await new Member().join(rig.messaging, {
          group: `${topic.name}-g`,
          topics: [topic],
          onRecords: () => {
            throw new Error('a bug');
          },
          onFailed: (error) => {
            failures.push(error);
          },
        });
        await fill(topic, ['trigger']);
        await eventually('it failed', () => failures.length === 1);
        expect(failures[0]?.message).toContain('a bug');
        await member.joined.close();
      });

      it('drains everything before it leaves, and may be closed twice', async () => {
        const topic = await freshTopic(2);
        const group = `${topic.name}-g`;
        const member: Member = await new Member().join(rig.messaging, {
          group,
          topics: [topic],
          onRevoked: async (assignment) => {
            await member.joined.commit([offsetOf(assignment, BigInt(assignment.partition + 1))]);
          },
        });
        await eventually('it owns both', () => member.assigned.length === 2);
        await Promise.all([member.joined.close(), member.joined.close()]);
        expect(member.partitions).toEqual([]);
        expect(await rig.messaging.admin.committed(group, topic)).toEqual([1n, 2n]);
      });
    });

    describe('administration', () => {
      it('creates missing topics once and reports what differs on existing ones', async () => {
        const topic = await freshTopic(2);
        expect(await rig.messaging.admin.ensureTopics([topic])).toEqual([]);
        const changed: Topic = { ...topic, partitions: 3, cleanup: 'compact', retentionMs: 5 };
        const mismatches = await rig.messaging.admin.ensureTopics([changed]);
        expect(mismatches).toContainEqual({ topic: topic.name, property: 'partitions', declared: '3', actual: '2' });
        expect(mismatches).toContainEqual({
          topic: topic.name,
          property: 'cleanup',
          declared: 'compact',
          actual: 'delete',
        });
        const retention: Topic = { ...topic, retentionMs: 5 };
        expect(await rig.messaging.admin.ensureTopics([retention])).toEqual([
          { topic: topic.name, property: 'retentionMs', declared: '5', actual: '3600000' },
        ]);
      });

      it('tells end offsets, committed offsets and lag per partition', async () => {
        const topic = await freshTopic(2);
        const group = `${topic.name}-g`;
        await fill(topic, ['a', 'b', 'c'], 0);
        await fill(topic, ['d'], 1);
        expect(await rig.messaging.admin.endOffsets(topic, 'committed')).toEqual([3n, 1n]);
        expect(await rig.messaging.admin.lag(group, topic)).toEqual([3n, 1n]);
        const member = await new Member().join(rig.messaging, { group, topics: [topic] });
        await eventually('it owns both', () => member.assigned.length === 2);
        await member.joined.commit([offsetOf(member.owned(0), 2n)]);
        expect(await rig.messaging.admin.committed(group, topic)).toEqual([2n, null]);
        expect(await rig.messaging.admin.lag(group, topic)).toEqual([1n, 1n]);
        await member.joined.close();
      });

      it('answers pings, and closes everything that was opened', async () => {
        const topic = await freshTopic();
        const other = await rig.another();
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
  });
};
