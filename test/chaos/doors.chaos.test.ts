import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cloudEventNames, deadNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import { accountNameOf } from '../../src/kernel/ids.ts';
import { accountRepliesTopic, inboxTopic } from '../../src/kernel/topics.ts';
import { type LoadCall, startLoad } from '../helpers/chaos-load.ts';
import { type ChaosPlatform, startChaosPlatform } from '../helpers/chaos-platform.ts';
import { beginScene, expectPromisesKept, failuresOf, succeeded } from '../helpers/chaos-promises.ts';
import { enableTopics, openPublisher } from '../helpers/chaos-publisher.ts';
import { endsOf, readCommitted, untilFinished } from '../helpers/chaos-records.ts';

let platform: ChaosPlatform;

beforeAll(async () => {
  platform = await startChaosPlatform({ port: 21_820 });
}, 110_000);

afterAll(async () => {
  await platform.stop();
});

const echo = '/v1/algo/admin/echo';
const queued = '/v1/algo/admin/slow?output=void';
const load = (...paths: readonly string[]) => startLoad({ ...platform, paths, callersPerPath: 32 / paths.length });

it('an ingress that is killed loses no call that it acknowledged, and serves on when it is back', async () => {
  const scene = await beginScene(platform.messaging);
  const calls = load(echo, queued);
  await calls.answered(400);
  const under = calls.waiting;
  const killedAtMs = performance.now();
  await platform.ingress.kill();
  await platform.ingress.start();
  await calls.answered(400);
  const all = await calls.stop();
  const after = await scene.aftermath();
  const back = all.find((call) => succeeded(call) && call.sentAtMs > killedAtMs);
  const acknowledged = all.filter((call) => call.path === queued && succeeded(call) && call.endedAtMs < killedAtMs);
  console.log(
    `ingress killed under ${under} calls of ${all.length}, ${acknowledged.length} acknowledged void calls before it; first answer ${Math.round((back?.endedAtMs ?? 0) - killedAtMs)} ms after the kill`,
  );
  expectPromisesKept(all, after);
  expect(all.filter((call) => call.status !== null && !succeeded(call)).slice(0, 3)).toEqual([]);
  expect(all.filter((call) => call.status === null && call.sentAtMs < killedAtMs).length).toBeLessThanOrEqual(under);
});

const headers = { ce_specversion: '1.0', ce_subject: 'admin/echo', 'content-type': 'application/json' };

/** Records of an inbox; every fortieth lacks its subject, every fortieth but one is no JSON. */
const recordsOf = (count: number): readonly Message[] =>
  Array.from({ length: count }, (_, at) => {
    const id = `record-${at}`;
    if (at % 40 === 0) return { key: id, value: '{}', headers: { ce_id: id, 'content-type': 'application/json' } };
    const value = at % 40 === 1 ? '{"id":' : JSON.stringify({ id });
    return { key: id, value, headers: { ce_id: id, ...headers } };
  });

it('a router that is killed costs no record of an inbox: each gets one result and one reply, or says what is wrong', async () => {
  const { messaging, router } = platform;
  const topics = await enableTopics(platform);
  const publisher = await openPublisher(topics);
  const account = accountNameOf('admin');
  const scene = await beginScene(messaging);
  const since = await endsOf(messaging, accountRepliesTopic(account));
  const records = recordsOf(2_000);
  const publishing = (async () => {
    for (let at = 0; at < records.length; at += 50) await publisher.publish(records.slice(at, at + 50));
  })();
  const replied = async (): Promise<bigint> =>
    (await endsOf(messaging, accountRepliesTopic(account))).reduce((sum, end) => sum + end, 0n);
  const before = await replied();
  while ((await replied()) === before) await delay(5);
  const lag = await messaging.admin.lag('router', inboxTopic(account));
  await router.kill();
  await router.start();
  await publishing;
  await publisher.close();
  await untilFinished(messaging, 'router', [inboxTopic(account)]);
  const after = await scene.aftermath();
  const replies = await readCommitted(messaging, accountRepliesTopic(account), since);
  console.log(`router killed under ${lag.reduce((sum, each) => sum + each, 0n)} records of 2000`);

  const wellFormed = records.flatMap((_, at) => (at % 40 > 1 ? [`record-${at}`] : [])).sort();
  expect(after.results.map((each) => each.bodyId).sort()).toEqual(wellFormed);
  expect(replies.map((reply) => headerText(reply.headers, cloudEventNames.causationId)).sort()).toEqual(wellFormed);
  const reasonOf = (id: string) => {
    const letter = after.dead.find((each) => headerText(each.headers, cloudEventNames.id) === id);
    return headerText(letter?.headers ?? [], deadNames.reason);
  };
  for (let at = 0; at < records.length; at += 40) {
    expect(reasonOf(`record-${at}`)).toContain('ce_subject is missing');
    expect(reasonOf(`record-${at + 1}`)).toContain('value is not');
  }
  expectPromisesKept([], after);
});

interface Created {
  readonly status: number;
  readonly text: string;
}

/** Creates an organisation; repeats it with the same key until it is answered. */
const create = async (at: number): Promise<{ readonly answer: Created; readonly tries: number }> => {
  for (let tries = 1; ; tries += 1) {
    const response = await platform.api('POST', '/v1/organizations', {
      body: { org_name: `org${at}`, org_label: `org${at}`, org_email: `org${at}@example.org`, type_id: 'basic' },
      headers: { 'idempotency-key': `create-${at}` },
    });
    const answer = { status: response.status, text: await response.text() };
    if (response.status < 500) return { answer, tries };
    await delay(100);
  }
};

it('a control that is killed carries out every create once, and a repeated one is answered as the first', async () => {
  const scene = await beginScene(platform.messaging);
  const calls: { stop(): Promise<readonly LoadCall[]>; waiting: number } = load(echo);
  let next = 0;
  const answers: { at: number; answer: Created; tries: number }[] = [];
  const creating = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < 200) {
        const at = next;
        next += 1;
        answers.push({ at, ...(await create(at)) });
      }
    }),
  );
  while (answers.length < 60) await delay(2);
  const under = calls.waiting;
  const before = answers.length;
  await platform.control.kill();
  await platform.control.start();
  await creating;
  const all = await calls.stop();
  const after = await scene.aftermath();
  const repeated = await Promise.all(answers.map(async ({ at }) => (await create(at)).answer));
  console.log(
    `control killed after ${before} of 200 creates and under ${under} calls of ${all.length}; ${answers.filter((each) => each.tries > 1).length} creates were repeated`,
  );
  expect([...new Set(answers.map((each) => each.answer.status))]).toEqual([200]);
  expect(repeated).toEqual(answers.map((each) => each.answer));
  const list = await platform.api('GET', '/v1/organizations?limit=1000');
  const { results } = (await list.json()) as { readonly results: readonly { readonly org_name: string }[] };
  const names = results.map((each) => each.org_name).sort();
  expect(names).toEqual(answers.map((each) => `org${each.at}`).sort());
  expectPromisesKept(all, after);
  expect([...failuresOf(all)]).toEqual([]);
});
