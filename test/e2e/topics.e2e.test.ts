import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createE2eClient, eventually } from '../helpers/e2e-client.ts';
import { createPeople } from '../helpers/e2e-people.ts';
import { probe, sources } from '../helpers/e2e-sources.ts';
import {
  callHeaders,
  connectTopics,
  createTopicClient,
  type Sent,
  type TopicAccess,
  type TopicClient,
} from '../helpers/e2e-topics.ts';

const client = createE2eClient(inject('platform'));
const { ask } = client;
const people = createPeople(client);

let tia = '';
let access: TopicAccess;
let others: TopicAccess;
let topics: TopicClient;

const enable = async (key: string): Promise<TopicAccess> =>
  JSON.parse((await client.cli(['topics', '--json'], { key })).stdout) as TopicAccess;

const json = (value: unknown): string => JSON.stringify(value);

beforeAll(async () => {
  tia = await people.user('Tia');
  const tom = await people.user('Tom');
  [access, others] = [await enable(tia), await enable(tom)];
  topics = await createTopicClient(access);
  await client.deploy(probe('Streamed'), [], { key: tia });
});

afterAll(async () => {
  await topics.close();
});

describe("an account's topics", () => {
  it('are named after it, with credentials for the one broker', () => {
    expect(access).toMatchObject({
      inbox: 'inbox.tia.v1',
      replies: 'replies.tia.v1',
      username: 'account.tia',
      mechanism: 'SCRAM-SHA-512',
      brokers: [`127.0.0.1:${inject('platform').kafkaPort}`],
      group_prefix: 'tia.',
    });
  });

  it('give each call its reply', async () => {
    await topics.send([
      { headers: callHeaders('one', 'tia/Streamed'), value: json({ a: [1, null] }) },
      { headers: callHeaders('two', 'algo://Tia/streamed/0.1.0', 'text/plain; charset=utf-8'), value: 'Grüße' },
      { headers: callHeaders('three', 'tia/Streamed/0', 'application/octet-stream'), value: Buffer.from([0, 255]) },
      { headers: callHeaders('four', 'tia/Streamed'), value: json({ do: 'raise', type: 'InputError' }) },
      { headers: callHeaders('five', 'tia/Streamed'), value: json({ do: 'bytes', bytes: 2_000_000 }) },
    ]);
    const one = await topics.replyTo('one');
    expect(one.text).toBe('{"a":[1,null]}');
    expect(one.headers).toMatchObject({
      ce_specversion: '1.0',
      ce_type: 'millrace.result.succeeded',
      ce_source: '/v1/algo/tia/Streamed/0.1.0',
      'content-type': 'application/json',
    });
    expect(await topics.replyTo('two')).toMatchObject({ text: 'Grüße' });
    expect((await topics.replyTo('three')).headers['content-type']).toBe('application/octet-stream');
    const four = await topics.replyTo('four');
    expect(JSON.parse(four.text)).toEqual({ error: { message: 'went wrong', error_type: 'InputError' } });
    expect(four.headers['ce_type']).toBe('millrace.result.failed');
    const five = await topics.replyTo('five');
    const { result_url: address } = JSON.parse(five.text) as { result_url: string };
    expect(five.headers['ce_type']).toBe('millrace.result.referenced');
    expect((await ask('GET', address, { key: tia })).bytes.length).toBe(2_000_000);
  });

  it('can be followed by the id of the request', async () => {
    await topics.send([{ headers: callHeaders('six', 'tia/Streamed'), value: '1' }]);
    const id = (await topics.replyTo('six')).headers['ce_id'] ?? '';
    const state = await eventually(async () => {
      const answer = await ask('GET', `/v1/requests/${id}`, { key: tia });
      return answer.status === 200 ? answer.json() : undefined;
    });
    expect(state).toMatchObject({ state: 'succeeded', result: 1, origin: 'inbox' });
  });
});

describe('credentials of an account', () => {
  const refused = 'Topic authorization failed';

  it('do not write what is not its inbox', async () => {
    const record = [{ headers: callHeaders('x', 'tia/Streamed'), value: '1' }];
    for (const topic of [others.inbox, access.replies, 'requests.cpu.v1', 'control.commands.v1', 'results.v1']) {
      await expect(topics.send(record, topic), topic).rejects.toThrow(refused);
    }
  });

  it('do not read what is not its replies', async () => {
    const admin = topics.kafka.admin();
    await admin.connect();
    try {
      for (const topic of [
        others.replies,
        others.inbox,
        'requests.cpu.v1',
        'results.v1',
        'control.state.v1',
        'dead.v1',
      ]) {
        await expect(admin.fetchTopicOffsets(topic), topic).rejects.toThrow(refused);
      }
      const visible = await admin.listTopics();
      expect(visible.sort()).toEqual([access.inbox, access.replies]);
      expect(await admin.fetchTopicOffsets(access.replies)).toHaveLength(3);
    } finally {
      await admin.disconnect();
    }
    const reader = topics.kafka.consumer({ groupId: `${others.group_prefix}e2e` });
    await reader.connect();
    try {
      await reader.subscribe({ topic: access.replies });
      const crashed = new Promise<unknown>((resolve) => {
        reader.on('consumer.crash', ({ payload }) => resolve(payload.error));
      });
      await reader.run({ eachMessage: async () => await Promise.resolve() });
      expect(await crashed).toMatchObject({ name: 'KafkaJSGroupCoordinatorNotFound' });
    } finally {
      await reader.disconnect();
    }
  });

  it('end when new ones are made', async () => {
    const again = await enable(tia);
    expect(again.password).not.toBe(access.password);
    const old = connectTopics(access).admin();
    await expect(old.connect()).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' });
    const fresh = connectTopics(again).admin();
    await fresh.connect();
    await fresh.disconnect();
    await topics.close();
    access = again;
    topics = await createTopicClient(again);
  });
});

interface Letter {
  readonly partition: number;
  readonly offset: string;
  readonly reason: string;
  readonly code: string;
  readonly topic: string;
}

const letters = async (): Promise<readonly Letter[]> =>
  ((await ask('GET', '/v1/dead?limit=100', { key: tia })).json() as { results: Letter[] }).results;

describe('a record that is no call', () => {
  const without = (name: string): Record<string, string> =>
    Object.fromEntries(Object.entries(callHeaders('x', 'tia/Streamed')).filter(([each]) => each !== name));
  const withHeaders = (more: Record<string, string>): Record<string, string> => ({
    ...callHeaders('x', 'tia/Streamed'),
    ...more,
  });
  const cases: readonly (Sent & { readonly reason: string })[] = [
    { headers: without('ce_id'), value: '1', reason: 'ce_id is missing' },
    { headers: without('ce_subject'), value: '1', reason: 'ce_subject is missing' },
    { headers: withHeaders({ ce_subject: 'Streamed' }), value: '1', reason: 'ce_subject is "Streamed", expected' },
    { headers: withHeaders({ ce_specversion: '2.0' }), value: '1', reason: 'ce_specversion is "2.0"' },
    { headers: withHeaders({}), value: '{"a":', reason: 'value is not JSON' },
    {
      headers: callHeaders('x', 'tia/Streamed', 'text/plain'),
      value: Buffer.from([0xff]),
      reason: 'value is not UTF-8',
    },
    { headers: callHeaders('x', 'tia/Streamed', 'image/png'), value: '1', reason: 'content-type is "image/png"' },
    { headers: withHeaders({}), value: null, reason: 'value is null' },
    { headers: callHeaders('x', 'tia/Nothing'), value: '1', reason: 'algorithm algo://tia/Nothing not found' },
    { headers: callHeaders('x', 'tom/Private'), value: '1', reason: 'algorithm algo://tom/Private not found' },
    { headers: withHeaders({ attempt: '7' }), value: '1', reason: 'header attempt is the platform' },
  ];

  it('becomes a dead letter that says what is wrong', async () => {
    await topics.send(cases);
    for (const { reason } of cases) {
      const found = async (): Promise<Letter | undefined> =>
        (await letters()).find((each) => each.reason.includes(reason));
      expect(await eventually(found, { what: `a dead letter "${reason}"` })).toMatchObject({ topic: access.inbox });
    }
    expect(await letters()).toHaveLength(cases.length);
  });

  it('is shown whole, to its account and not to others', async () => {
    const letter = (await letters()).find(({ reason }) => reason.includes('not JSON'));
    const id = `${letter?.partition ?? ''}/${letter?.offset ?? ''}`;
    const run = await client.cli(['dead', 'show', id, '--json'], { key: tia });
    const shown = JSON.parse(run.stdout) as { headers: { name: string; value: string }[]; body_base64: string };
    expect(Buffer.from(shown.body_base64, 'base64').toString()).toBe('{"a":');
    expect(shown.headers).toContainEqual({ name: 'ce_subject', value: 'tia/Streamed' });
    const other = await people.user('Tim');
    const hidden = await client.cli(['dead', 'show', id], { key: other });
    expect([hidden.code, hidden.stdout]).toEqual([1, '']);
    expect(hidden.stderr).toContain('there is no dead letter');
  });

  it('is answered when it is published again after the algorithm was made', async () => {
    await topics.send([{ headers: callHeaders('late', 'tia/Late'), value: '"you"' }]);
    const letter = await eventually(async () => (await letters()).find(({ reason }) => reason.includes('tia/Late')));
    await client.deploy(sources.python('Late', 'def apply(input):\n    return "late " + input\n'), [], { key: tia });
    const run = await client.cli(['dead', 'redrive', `${letter.partition}/${letter.offset}`], { key: tia });
    expect(run).toMatchObject({ code: 0, stdout: 'published again\n' });
    expect((await topics.replyTo('late')).text).toBe('late you');
  });
});
