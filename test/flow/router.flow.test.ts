import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Account, accountKind, keyKind } from '../../src/accounts/accounts.ts';
import { createAccounts } from '../../src/accounts/create.ts';
import {
  type Algorithm,
  algorithmKind,
  type Build,
  buildKind,
  type Version,
  versionKind,
} from '../../src/catalog/catalog.ts';
import { createCatalog } from '../../src/catalog/create.ts';
import { deadNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import { PlatformError } from '../../src/kernel/errors.ts';
import { accountNameOf } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { inboxTopic, platformTopics, requestsTopic, type Topic, topics } from '../../src/kernel/topics.ts';
import type { ClaimCheck } from '../../src/messaging/claim-check.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { createMemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import type { InRecord, Messaging } from '../../src/messaging/messaging.ts';
import { createRouter, type Router } from '../../src/router/create.ts';
import { accountOf, keyOf } from '../helpers/people.ts';
import { createTableView, type TableView } from '../helpers/table-view.ts';
import { createVirtualClock, type VirtualClock } from '../helpers/virtual-clock.ts';

const settings = {
  callability: 'public',
  sourceVisibility: 'closed',
  license: 'apl',
  networkAccess: 'isolated',
  pipelineEnabled: true,
  insightsEnabled: false,
} as const;
const hash = 'a'.repeat(40);
const ada = accountOf('ada', { id: 'ada', topics: { keyId: 'key', principal: 'account.ada' } });
const key = keyOf('ada', 'simAda', { id: 'key', permissions: { call: ['*'], manage: true, admin: false } });
const algorithm: Algorithm = {
  id: 'algorithm',
  owner: 'ada',
  name: 'echo',
  label: 'Echo',
  details: { label: '', summary: '', tagline: '' },
  environment: 'python3',
  settings,
  createdAtMs: 0,
};
const build: Build = {
  algorithmId: 'algorithm',
  hash,
  environment: 'python3',
  status: 'succeeded',
  requestedBy: 'ada',
  startedAtMs: 0,
  finishedAtMs: 1,
  artefact: { app: 'x', dependencies: null, sizeBytes: 1 },
  run: { pool: 'cpu', isolation: 'account', memoryBytes: 1, cpus: 1, processes: 1, loadTimeoutS: 1 },
  tests: null,
  error: null,
  log: null,
};
const version: Version = {
  algorithmId: 'algorithm',
  semantic: '0.1.0',
  uuid: 'version',
  build: hash,
  callability: 'public',
  settings,
  releaseNotes: null,
  sampleInput: null,
  publishedAtMs: 1,
  publishedBy: 'ada',
};

/** A router over a log in memory, a catalog of one algorithm, and a clock that the test moves. */
class Scenario {
  readonly clock: VirtualClock = createVirtualClock();
  readonly messaging: Messaging;
  readonly codec = createCodec();
  readonly view: TableView = createTableView([accountKind, keyKind, algorithmKind, buildKind, versionKind]);
  readonly router: Router;
  readonly read = new Map<string, InRecord[]>();
  /** What the blob store says for now; null: nothing is wrong. */
  blobFault: Error | null = null;

  constructor() {
    this.messaging = createMemoryMessaging({ broker: createMemoryBroker({ clock: this.clock }) });
    const { view, clock, messaging, codec } = this;
    view.put(accountKind, ada);
    view.put(keyKind, key);
    view.put(algorithmKind, algorithm);
    view.put(buildKind, build);
    view.put(versionKind, version);
    const accounts = createAccounts({ view });
    const claimCheck: ClaimCheck = {
      put: async (body) => {
        if (this.blobFault !== null) throw this.blobFault;
        return await Promise.resolve({ body, bodyRef: null });
      },
      get: async ({ body }) => await Promise.resolve(body),
      removeOld: async () => await Promise.resolve([]),
    };
    this.router = createRouter({
      messaging,
      codec,
      view,
      accounts,
      catalog: createCatalog({ view, accounts }),
      claimCheck,
      presence: { live: () => [], liveIn: () => [], close: async () => await Promise.resolve() },
      clock,
      logger: silentLogger,
      defaultPool: 'cpu',
      onFailed: (error) => {
        throw error;
      },
    });
  }

  async start(): Promise<void> {
    const inbox = inboxTopic(accountNameOf('ada'));
    await this.settle(this.messaging.admin.ensureTopics([...platformTopics(['cpu']), inbox]));
    for (const topic of [requestsTopic('cpu'), topics.dead]) await this.follow(topic);
    await this.settle(this.router.start());
  }

  /** Lets time pass until the promise ends. */
  async settle<Value>(promise: Promise<Value>): Promise<Value> {
    let done = false;
    const ended = promise.finally(() => {
      done = true;
    });
    ended.catch(() => {});
    for (let step = 0; step < 2_000 && !(done as boolean); step += 1) await this.clock.advance(10);
    return await ended;
  }

  async follow(topic: Topic): Promise<void> {
    const records: InRecord[] = [];
    this.read.set(topic.name, records);
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      await this.settle(
        this.messaging.own({
          topic,
          partition,
          from: 'start',
          isolation: 'committed',
          onRecords: (batch) => void records.push(...batch),
          onFailed: (error) => {
            throw error;
          },
        }),
      );
    }
  }

  of(topic: Topic): readonly InRecord[] {
    return this.read.get(topic.name) ?? [];
  }

  /** Publishes to ada's inbox as she would, then gives the router half a second. */
  async publish(
    headers: Readonly<Record<string, string>>,
    value: string | null = '{"n":1}',
    recordKey: string | null = null,
  ): Promise<void> {
    const appender = await this.settle(this.messaging.appender({ name: 'ada' }));
    const record = {
      topic: inboxTopic(accountNameOf('ada')),
      key: recordKey === null ? null : Buffer.from(recordKey),
      value: value === null ? null : Buffer.from(value),
      headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
    };
    await this.settle(appender.append(record));
    await this.settle(appender.close());
    await this.clock.advance(500);
  }

  async stop(): Promise<void> {
    await this.settle(this.router.stop());
    await this.settle(this.messaging.close());
  }
}

const good = { ce_id: '1', ce_subject: 'ada/Echo', 'content-type': 'application/json' };

describe('router', () => {
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = new Scenario();
    await scenario.start();
  });
  afterEach(async () => await scenario.stop());

  test('turns a record of an inbox into a request on a lane of its version', async () => {
    await scenario.publish({ ...good, ce_specversion: '1.0', ce_source: 'test', ce_type: 'call' });
    const [record] = scenario.of(requestsTopic('cpu'));
    expect(record).toBeDefined();
    const request = scenario.codec.decode('request', record!);
    expect(request).toMatchObject({
      algorithm: 'ada/Echo',
      build: hash,
      version: '0.1.0',
      account: 'ada',
      keyId: 'key',
      origin: 'inbox',
      causation: '1',
      replyAccount: 'ada',
      stored: true,
      contentType: 'json',
    });
    expect(request.body?.toString()).toBe('{"n":1}');
    expect(record?.key?.toString()).toMatch(/^algorithm@a{40}#\d+$/);
    expect(headerText(record!.headers, 'id')).toBe(request.session);
    expect(scenario.of(topics.dead)).toEqual([]);
  });

  test('places records of one key in their order', async () => {
    for (let n = 0; n < 5; n += 1) await scenario.publish({ ...good, ce_id: `order-${n}` }, String(n), 'same');
    const bodies = scenario
      .of(requestsTopic('cpu'))
      .map((record) => scenario.codec.decode('request', record).body?.toString());
    expect(bodies).toEqual(['0', '1', '2', '3', '4']);
    expect(new Set(scenario.of(requestsTopic('cpu')).map((record) => record.partition)).size).toBe(1);
  });

  test.each([
    ['no id', { ce_subject: 'ada/Echo' }, '{}', 'ce_id is missing'],
    ['no subject', { ce_id: '1' }, '{}', 'ce_subject is missing'],
    ['a subject of another form', { ce_id: '1', ce_subject: 'echo' }, '{}', 'ce_subject is "echo"'],
    [
      'an unknown algorithm',
      { ...good, ce_subject: 'ada/nothing' },
      '{}',
      'ce_subject: algorithm algo://ada/nothing not found',
    ],
    [
      'an unknown version',
      { ...good, ce_subject: 'ada/Echo/9.9.9' },
      '{}',
      'ce_subject: algorithm algo://ada/Echo/9.9.9 not found',
    ],
    ['another specversion', { ...good, ce_specversion: '0.3' }, '{}', 'ce_specversion is "0.3"'],
    ['an unknown content type', { ...good, 'content-type': 'image/png' }, '{}', 'content-type is "image/png"'],
    ["a header of the platform's", { ...good, deadline: '1' }, '{}', 'header deadline'],
    ['a body that is not JSON', good, '{', 'value is not JSON'],
    ['no body', good, null, 'value is null'],
  ])('parks a record with %s and names the field', async (_, headers, value, reason) => {
    await scenario.publish(headers, value, 'k');
    const [letter, ...others] = scenario.of(topics.dead);
    expect(others).toEqual([]);
    const text = (name: string): string | undefined => headerText(letter!.headers, name);
    expect(text(deadNames.reason)).toContain(reason);
    expect(text(deadNames.step)).toMatch(/^(read-envelope|resolve-version|check-body)$/);
    expect(text(deadNames.code)).toMatch(/^ROUTER_/);
    expect(text(deadNames.attempt)).toBe('1');
    expect(text(deadNames.topic)).toBe('inbox.ada.v1');
    expect(text(deadNames.account)).toBe('ada');
    expect(letter?.value?.toString() ?? null).toBe(value);
    expect(letter?.key?.toString()).toBe('k');
    for (const [name, given] of Object.entries(headers)) expect(text(name)).toBe(given);
    expect(scenario.of(requestsTopic('cpu'))).toEqual([]);
  });

  test('parks a record whose key was revoked', async () => {
    scenario.view.put(keyKind, { ...key, revokedAtMs: 1 });
    await scenario.publish(good);
    expect(headerText(scenario.of(topics.dead)[0]!.headers, deadNames.code)).toBe('ROUTER_KEY_GONE');
  });

  test('parks what the key may not call as if it did not exist', async () => {
    scenario.view.put(keyKind, { ...key, permissions: { ...key.permissions, call: ['bob/*'] } });
    await scenario.publish(good);
    expect(headerText(scenario.of(topics.dead)[0]!.headers, deadNames.reason)).toBe(
      'ce_subject: algorithm algo://ada/Echo not found',
    );
  });

  test('tries a record again after fixed delays while the blob store is away, as the same request', async () => {
    scenario.blobFault = new PlatformError('BLOBS_AWAY', 'unavailable', { message: 'the blob store does not answer' });
    await scenario.publish(good);
    expect(scenario.of(requestsTopic('cpu'))).toEqual([]);
    scenario.blobFault = null;
    await scenario.clock.advance(15_000);
    const [record] = scenario.of(requestsTopic('cpu'));
    expect(scenario.codec.decode('request', record!).causation).toBe('1');
    expect(scenario.of(topics.dead)).toEqual([]);
  });

  test('parks a record that was tried after every delay, with the number of attempts', async () => {
    scenario.blobFault = new PlatformError('BLOBS_AWAY', 'unavailable', { message: 'the blob store does not answer' });
    await scenario.publish(good);
    for (let minute = 0; minute < 13; minute += 1) await scenario.clock.advance(60_000);
    const [letter] = scenario.of(topics.dead);
    const text = (name: string): string | undefined => headerText(letter!.headers, name);
    expect(text(deadNames.reason)).toBe('the blob store does not answer');
    expect(text(deadNames.step)).toBe('check-body');
    expect(Number(text(deadNames.attempt))).toBeGreaterThan(1);
    expect(text(deadNames.topic)).toBe('inbox.ada.v1');
    expect(letter!.headers.some(([name]) => name.startsWith('retry.'))).toBe(false);
  });

  test('reads the inbox of an account that gets topics while it runs', async () => {
    const bob: Account = {
      ...ada,
      id: 'bob',
      name: 'bob',
      label: 'bob',
      topics: { keyId: 'bobs', principal: 'account.bob' },
    };
    const inbox = inboxTopic(accountNameOf('bob'));
    await scenario.settle(scenario.messaging.admin.ensureTopics([inbox]));
    scenario.view.put(keyKind, { ...key, id: 'bobs', account: 'bob' });
    scenario.view.put(accountKind, bob);
    await scenario.clock.advance(5_000);
    const appender = await scenario.settle(scenario.messaging.appender({ name: 'bob' }));
    const headers = Object.entries(good).map(([name, text]) => [name, Buffer.from(text)] as const);
    await scenario.settle(appender.append({ topic: inbox, key: null, value: Buffer.from('1'), headers }));
    await scenario.settle(appender.close());
    await scenario.clock.advance(2_000);
    expect(scenario.codec.decode('request', scenario.of(requestsTopic('cpu'))[0]!).account).toBe('bob');
  });
});
