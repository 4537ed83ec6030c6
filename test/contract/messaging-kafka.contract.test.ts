import { randomUUID } from 'node:crypto';
import {
  Admin,
  addOffsetsToTxnV4,
  Connection,
  consumerGroupHeartbeatV1,
  endTxnV4,
  findCoordinatorV6,
  initProducerIdV5,
  Producer,
  txnOffsetCommitV4,
} from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { Topic } from '../../src/kernel/topics.ts';
import { createKafkaMessaging, type KafkaMessagingOptions } from '../../src/messaging/kafka/kafka-messaging.ts';
import { KafkaMembership } from '../../src/messaging/kafka/membership.ts';
import type { Assignment, InRecord, Messaging, OutRecord } from '../../src/messaging/messaging.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { codeOf } from '../conformance/messaging/fixture.ts';
import { messagingConformance } from '../conformance/messaging/suite.ts';
import { freePortPair } from '../helpers/free-ports.ts';
import { startTestBroker, type TestBroker } from '../helpers/kafka-broker.ts';

let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker({ port: await freePortPair() });
});
afterAll(async () => {
  await broker.stop();
});

const client = async (topicPrefix: string, more: Partial<KafkaMessagingOptions> = {}): Promise<Messaging> =>
  await createKafkaMessaging({
    brokers: [broker.address],
    sasl: broker.superUser,
    clientId: 'contract-test',
    topicPrefix,
    replicationFactor: 1,
    clock: systemClock,
    logger: silentLogger,
    ...more,
  });

const until = async (what: string, condition: () => boolean | Promise<boolean>, timeout = 30_000): Promise<void> => {
  await expect.poll(condition, { timeout, interval: 5, message: what }).toBe(true);
};

const makeTopic = (name: string, partitions = 1): Topic => ({
  name,
  contract: null,
  key: 'any',
  partitions,
  cleanup: 'delete',
  retentionMs: 3_600_000,
});

const out = (topic: Topic, value: string, partition = 0): OutRecord => ({
  topic,
  partition,
  key: null,
  value: Buffer.from(value),
  headers: [],
});

const readAll = async (messaging: Messaging, topic: Topic, isolation: 'committed' | 'uncommitted', partition = 0) => {
  const records: InRecord[] = [];
  const reader = await messaging.own({
    topic,
    partition,
    from: 'start',
    isolation,
    onRecords: (batch) => {
      records.push(...batch);
    },
    onFailed: (error) => {
      throw error;
    },
  });
  const end = (await messaging.admin.endOffsets(topic, isolation))[partition] ?? 0n;
  await until('the end is reached', () => reader.position >= end);
  await reader.close();
  return records.map((record) => record.value?.toString() ?? '');
};

const appendForeign = async (topicName: string, record: OutRecord, timestampMs: number): Promise<void> => {
  const producer = new Producer({ clientId: 'foreign', bootstrapBrokers: [broker.address], sasl: broker.superUser });
  const value = record.value ?? Buffer.alloc(0);
  const message = { topic: topicName, partition: record.partition ?? 0, value, timestamp: BigInt(timestampMs) };
  await producer.send({ messages: [message], acks: -1 });
  await producer.close();
};

const connect = async (name: string): Promise<Connection> => {
  const connection = new Connection(name, { sasl: broker.superUser });
  const [host = '', port = ''] = broker.address.split(':');
  await connection.connect(host, Number(port));
  return connection;
};

/** What a peer does for a member that died: *leave* in its name. */
const expel = async (group: string, memberId: string): Promise<void> => {
  const connection = await connect('peer');
  await findCoordinatorV6.api.async(connection, 0, [group]);
  await consumerGroupHeartbeatV1.api.async(connection, group, memberId, -1, null, null, 1000, [], null, null, []);
  await connection.close();
};

/** Right after a broker started, its coordinators are still loading. */
const patiently = async <Result>(attempt: () => Promise<Result>): Promise<Result> => {
  const results: Result[] = [];
  await until('the coordinator answers', async () => {
    return await attempt().then(
      (result) => results.push(result) > 0,
      () => false,
    );
  });
  const [result] = results;
  if (result === undefined) throw new Error('The coordinator answered nothing.');
  return result;
};

/** A transactional producer, call by call, so that a test decides when its transaction ends. */
const rawProducer = async (transactionalId: string, membership: KafkaMembership, topic: string) => {
  const connection = await connect(transactionalId);
  const { producerId, producerEpoch } = await patiently(async () => {
    await findCoordinatorV6.api.async(connection, 1, [transactionalId]);
    return await initProducerIdV5.api.async(connection, transactionalId, 30_000, -1n, -1);
  });
  const { group, memberId, memberEpoch } = membership;
  return {
    write: async (offset: bigint): Promise<void> => {
      await addOffsetsToTxnV4.api.async(connection, transactionalId, producerId, producerEpoch, group);
      const written = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' };
      const as = [transactionalId, group, producerId, producerEpoch, memberEpoch, memberId, null] as const;
      await txnOffsetCommitV4.api.async(connection, ...as, [{ name: topic, partitions: [written] }]);
    },
    end: async (commit: boolean): Promise<void> => {
      await endTxnV4.api.async(connection, transactionalId, producerId, producerEpoch, commit);
    },
    close: async () => await connection.close(),
  };
};

messagingConformance('Kafka driver', async () => {
  const prefix = `test-${randomUUID().slice(0, 8)}.`;
  const messaging = await client(prefix);
  return {
    messaging,
    another: async () => await client(prefix),
    appendForeign: async (record, timestampMs) => {
      await appendForeign(prefix + record.topic.name, record, timestampMs);
    },
    expel: async (group, memberId) => {
      await expel(prefix + group, memberId);
    },
    close: async () => {
      await messaging.close();
    },
  };
});

describe('Kafka driver beyond the port', { timeout: 60_000 }, () => {
  it('keeps installations with different prefixes apart: their groups and transactional ids too', async () => {
    const [ours, theirs] = await Promise.all([client('ours.'), client('theirs.')]);
    const topic = makeTopic('shared.v1');
    const work = async (messaging: Messaging) => {
      await messaging.admin.ensureTopics([topic]);
      const transactor = await messaging.transactor({ transactionalId: 'executor' });
      const owned: Assignment[] = [];
      const membership = await messaging.join({
        group: 'workers',
        topics: [topic],
        onAssigned: (assignment) => void owned.push(assignment),
        onRecords: () => {},
        onRevoked: async () => {},
        onLost: () => {},
        onFailed: () => {},
      });
      await until('the partition is ours', () => owned.length === 1);
      return { transactor, membership, assignment: owned[0] };
    };
    const both = await Promise.all([work(ours), work(theirs)]);
    for (const { transactor, membership, assignment } of both) {
      await transactor.append(out(topic, 'done'));
      if (assignment === undefined) continue;
      await transactor.commit([{ membership, offsets: [{ assignment, offset: 1n, metadata: '' }] }]);
    }
    expect(await ours.admin.committed('workers', topic)).toEqual([1n]);
    expect(await theirs.admin.lag('workers', topic)).not.toEqual([]);
    expect(both.map(({ membership }) => membership.group)).toEqual(['ours.workers', 'theirs.workers']);
    await Promise.all([ours.close(), theirs.close()]);
  });

  it('keeps every acknowledged record exactly once and in order when the broker is killed and comes back', async () => {
    const messaging = await client('kill.');
    const topic = makeTopic('appended.v1', 2);
    await messaging.admin.ensureTopics([topic]);
    const appender = await messaging.appender({ name: 'survivor' });
    const acknowledged: string[][] = [[], []];
    const failures: unknown[] = [];
    let stop = false;
    const writers = [0, 1].map(async (partition) => {
      for (let next = 0; !stop; next += 8) {
        const values = Array.from({ length: 8 }, (_, index) => String(next + index));
        const places = values.map(async (value) => await appender.append(out(topic, value, partition)));
        await Promise.all(places).then(
          () => acknowledged[partition]?.push(...values),
          (error: unknown) => failures.push(error),
        );
      }
    });
    await until('writing runs', () => acknowledged.every((each) => each.length > 500));
    await broker.kill();
    const before = acknowledged.map((each) => each.length);
    await broker.start();
    await until('writing goes on', () => acknowledged.every((each, index) => each.length > (before[index] ?? 0) + 500));
    stop = true;
    await Promise.all(writers);
    await appender.close();
    expect(failures).toEqual([]);
    for (const partition of [0, 1]) {
      expect(await readAll(messaging, topic, 'uncommitted', partition)).toEqual(acknowledged[partition]);
    }
    await messaging.close();
  });

  it('lets members and transactions go on when the broker is killed and comes back', async () => {
    const messaging = await client('restart.', { transactionTimeoutMs: 2_000 });
    const [input, output] = [makeTopic('in.v1'), makeTopic('out.v1')];
    await messaging.admin.ensureTopics([input, output]);
    const appender = await messaging.appender({ name: 'source' });
    const transactor = await messaging.transactor({ transactionalId: 'restart-t' });
    let queue: { assignment: Assignment; record: InRecord }[] = [];
    const failed: Error[] = [];
    const membership = await messaging.join({
      group: 'restart-g',
      topics: [input],
      onAssigned: () => {},
      onRecords: (assignment, records) => {
        queue.push(...records.map((record) => ({ assignment, record })));
      },
      onRevoked: async () => {
        await Promise.resolve();
      },
      onLost: (lost) => {
        queue = queue.filter((each) => each.assignment !== lost);
      },
      onFailed: (error) => failed.push(error),
    });
    let done = 0;
    const settle = async (): Promise<void> => {
      const batch = queue.splice(0);
      const last = batch.at(-1);
      if (last === undefined) return;
      const offset = { assignment: last.assignment, offset: last.record.offset + 1n, metadata: '' };
      for (let settled = false; !settled; ) {
        settled = await Promise.all(
          batch.map(async ({ record }) => await transactor.append(out(output, record.value?.toString() ?? ''))),
        )
          .then(async () => {
            await transactor.commit([{ membership, offsets: [offset] }]);
            return true;
          })
          .catch(async () => {
            await transactor.abort();
            return false;
          });
      }
      done += batch.length;
    };
    const send = async (from: number): Promise<void> => {
      for (let each = from; each < from + 50; each += 1) await appender.append(out(input, String(each)));
    };
    await send(0);
    await until('the first are settled', async () => {
      await settle();
      return done === 50;
    });
    await transactor.append(out(output, 'left open by the cut'));
    await broker.kill();
    const sending = send(50);
    await broker.start();
    await sending;
    await transactor.abort();
    await until('the others are settled', async () => {
      await settle();
      return done === 100;
    });
    expect(failed).toEqual([]);
    const expected = Array.from({ length: 100 }, (_, index) => String(index));
    expect(await readAll(messaging, output, 'committed')).toEqual(expected);
    expect(await messaging.admin.committed('restart-g', input)).toEqual([100n]);
    await messaging.close();
  });

  // The two producers of a transactor rely on it (ADR 3): the first one's markers may come after the second one's.
  it.each([
    { ends: 'in the order of writing', order: [0, 1], commits: [true, true], kept: 20n },
    { ends: 'in the other order', order: [1, 0], commits: [true, true], kept: 20n },
    { ends: 'in the other order, the later one aborted', order: [1, 0], commits: [true, false], kept: 10n },
    { ends: 'in the other order, the earlier one aborted', order: [1, 0], commits: [false, true], kept: 20n },
  ])('keeps the offset that was written last when two transactions end $ends', async ({ order, commits, kept }) => {
    const prefix = `markers-${randomUUID().slice(0, 8)}.`;
    const messaging = await client(prefix);
    const topic = makeTopic('in.v1');
    await messaging.admin.ensureTopics([topic]);
    const assigned: Assignment[] = [];
    const membership = await messaging.join({
      group: 'g',
      topics: [topic],
      onAssigned: (assignment) => void assigned.push(assignment),
      onRecords: () => {},
      onRevoked: async () => {},
      onLost: () => {},
      onFailed: () => {},
    });
    if (!(membership instanceof KafkaMembership)) throw new Error('The member is not one of this driver.');
    await until('the partition is ours', () => assigned.length === 1);
    const names = [0, 1].map((each) => `${prefix}t${each}`);
    const producers = await Promise.all(
      names.map(async (name) => await rawProducer(name, membership, prefix + topic.name)),
    );
    for (const [index, producer] of producers.entries()) await producer.write(BigInt(10 * (index + 1)));
    expect(await messaging.admin.committed('g', topic)).toEqual([null]);
    for (const index of order) {
      await producers[index]?.end(commits[index] === true);
      // The answer comes before the marker: without it, the order of the markers would be chance.
      if (commits[index] === true && index === order[0]) {
        await until('its marker counts', async () => (await messaging.admin.committed('g', topic))[0] !== null);
      }
    }
    // No transaction is open any more when the stable offset can be read.
    expect((await assigned[0]?.readCommitted())?.offset).toBe(kept);
    await Promise.all(producers.map(async (producer) => await producer.close()));
    await messaging.close();
  });

  it('gives up with MESSAGING_UNAVAILABLE while no broker answers, and goes on when one does', async () => {
    const messaging = await client('outage.', { deliveryTimeoutMs: 1_500 });
    const topic = makeTopic('outage.v1');
    await messaging.admin.ensureTopics([topic]);
    const appender = await messaging.appender({ name: 'outage' });
    await appender.append(out(topic, 'before'));
    await broker.kill();
    await expect(appender.append(out(topic, 'lost'))).rejects.toMatchObject({ code: 'MESSAGING_UNAVAILABLE' });
    await expect(messaging.admin.ping(300)).rejects.toMatchObject({ code: 'MESSAGING_UNAVAILABLE' });
    await broker.start();
    await messaging.admin.ping(30_000);
    await appender.append(out(topic, 'after'));
    expect((await readAll(messaging, topic, 'uncommitted')).filter((value) => value !== 'lost')).toEqual([
      'before',
      'after',
    ]);
    await messaging.close();
  });

  it('recovers a transaction that the broker aborted because it was open for too long', async () => {
    const messaging = await client('slow.', { transactionTimeoutMs: 1_000 });
    const topic = makeTopic('slow.v1');
    await messaging.admin.ensureTopics([topic]);
    const transactor = await messaging.transactor({ transactionalId: 'slow-t' });
    await transactor.append(out(topic, 'too slow'));
    await until('the broker aborted it', async () => (await messaging.admin.endOffsets(topic, 'committed'))[0] === 2n);
    await expect(transactor.commit([])).rejects.toMatchObject({ code: 'MESSAGING_ABORTED' });
    await transactor.append(out(topic, 'in time'));
    await transactor.commit([]);
    expect(await readAll(messaging, topic, 'committed')).toEqual(['in time']);
    await messaging.close();
  });

  it('recovers it also when several calls find out at the same time', async () => {
    const messaging = await client('slow-calls.', { transactionTimeoutMs: 1_000 });
    const [input, output] = [makeTopic('in.v1'), makeTopic('out.v1', 6)];
    await messaging.admin.ensureTopics([input, output]);
    const transactor = await messaging.transactor({ transactionalId: 'slow-calls-t' });
    const assigned: Assignment[] = [];
    const membership = await messaging.join({
      group: 'g',
      topics: [input],
      onAssigned: (assignment) => void assigned.push(assignment),
      onRecords: () => {},
      onRevoked: async () => {},
      onLost: () => {},
      onFailed: () => {},
    });
    await until('the partition is ours', () => assigned.length === 1);
    const offsetsAt = (offset: bigint) => [
      { membership, offsets: assigned.map((assignment) => ({ assignment, offset, metadata: '' })) },
    ];
    for (let round = 1; round <= 4; round += 1) {
      await transactor.append(out(output, 'too slow', 0));
      const open = (await messaging.admin.endOffsets(output, 'uncommitted'))[0] ?? 0n;
      const aborted = async () => (await messaging.admin.endOffsets(output, 'committed'))[0] === open + 1n;
      await until('the broker aborted it', aborted);
      // A new partition is added to the transaction while the offsets are: the coordinator refuses both.
      const [late, commit] = await Promise.all([
        codeOf(transactor.append(out(output, 'too late', round))),
        codeOf(transactor.commit(offsetsAt(BigInt(round)))),
      ]);
      // A record that the broker took does not count either.
      expect(['resolved', 'MESSAGING_ABORTED']).toContain(late);
      expect(commit).toBe('MESSAGING_ABORTED');
      await transactor.append(out(output, `in time ${round}`, 5));
      await transactor.commit(offsetsAt(BigInt(10 * round)));
      expect((await assigned[0]?.readCommitted())?.offset).toBe(BigInt(10 * round));
    }
    const rounds = [1, 2, 3, 4];
    expect(await readAll(messaging, output, 'committed', 5)).toEqual(rounds.map((round) => `in time ${round}`));
    for (const round of rounds) expect(await readAll(messaging, output, 'committed', round)).toEqual([]);
    await messaging.close();
  });

  it('goes on without the topic of an account that was removed while it was in use', async () => {
    const messaging = await client('removed.');
    const [results, replies] = [makeTopic('results.v1'), { ...makeTopic('replies.v1'), ofAccount: true as const }];
    await messaging.admin.ensureTopics([results, replies]);
    const transactor = await messaging.transactor({ transactionalId: 'removed-t' });
    await Promise.all([transactor.append(out(results, '0')), transactor.append(out(replies, '0'))]);
    await transactor.commit([]);
    const admin = new Admin({ clientId: 'foreign', bootstrapBrokers: [broker.address], sasl: broker.superUser });
    await admin.deleteTopics({ topics: ['removed.replies.v1'] });
    await admin.close();
    // Whether the first transaction fails depends on who finds out first; the two producers find out one after the other.
    let committed = 0;
    await until('results are committed without replies', async () => {
      const [result, reply] = await Promise.allSettled([
        transactor.append(out(results, '1')),
        transactor.append(out(replies, '1')),
      ]);
      expect(reply.status).toBe('rejected');
      await (result.status === 'fulfilled' ? transactor.commit([]) : transactor.abort());
      if (result.status === 'fulfilled') committed += 1;
      return committed === 2;
    });
    const startedMs = systemClock.monotonicMs();
    const ends = await Promise.allSettled([transactor.append(out(replies, '2')), transactor.append(out(results, '2'))]);
    expect(ends).toMatchObject([{ reason: { code: 'MESSAGING_TOPIC_MISMATCH' } }, { status: 'fulfilled' }]);
    await transactor.commit([]);
    expect(systemClock.monotonicMs() - startedMs).toBeLessThan(1_000);
    expect(await readAll(messaging, results, 'committed')).toEqual(['0', '1', '1', '2']);
    await messaging.close();
  });

  it('lets a principal do what it was granted and nothing else', async () => {
    const admin = await client('acl.');
    const [inbox, secret] = [makeTopic('inbox.v1'), makeTopic('secret.v1')];
    await admin.admin.ensureTopics([inbox, secret]);
    await admin.admin.ensurePrincipal('guest', 'first', [
      { resource: 'topic', pattern: 'literal', name: secret.name, operations: ['write'] },
    ]);
    const grants = [
      { resource: 'topic', pattern: 'prefixed', name: 'inbox.', operations: ['write', 'read'] },
      { resource: 'group', pattern: 'prefixed', name: 'guest.', operations: ['read'] },
    ] as const;
    await admin.admin.ensurePrincipal('guest', 'second', grants);
    await admin.admin.ensurePrincipal('guest', 'second', grants);
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'guest', password: 'second' } as const;
    const guest = await client('acl.', { sasl });
    const appender = await guest.appender({ name: 'guest' });
    await appender.append(out(inbox, 'allowed'));
    await expect(appender.append(out(secret, 'denied'))).rejects.toMatchObject({ code: 'MESSAGING_FORBIDDEN' });
    expect(await readAll(guest, inbox, 'committed')).toEqual(['allowed']);
    const quiet = { onAssigned: () => {}, onRecords: () => {}, onLost: () => {}, onFailed: () => {} };
    const onRevoked = async (): Promise<void> => {
      await Promise.resolve();
    };
    const member = await guest.join({ group: 'guest.one', topics: [inbox], ...quiet, onRevoked });
    await member.close();
    const foreign = guest.join({ group: 'other', topics: [inbox], ...quiet, onRevoked });
    await expect(foreign).rejects.toMatchObject({ code: 'MESSAGING_FORBIDDEN' });
    await expect(guest.admin.ensurePrincipal('friend', 'x', [])).rejects.toMatchObject({ code: 'MESSAGING_FORBIDDEN' });
    await guest.close();
    await admin.close();
  });
});
