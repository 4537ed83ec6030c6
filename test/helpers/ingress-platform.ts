import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountKind, keyKind } from '../../src/accounts/accounts.ts';
import { createAccounts } from '../../src/accounts/create.ts';
import { createRunTokens, type RunTokens } from '../../src/accounts/run-token.ts';
import { algorithmKind, buildKind, environmentKind, versionKind } from '../../src/catalog/catalog.ts';
import { createCatalog } from '../../src/catalog/create.ts';
import { reservationKind } from '../../src/catalog/reservations.ts';
import { createControl } from '../../src/control/create.ts';
import type { IngressConfig } from '../../src/ingress/config.ts';
import { createIngress } from '../../src/ingress/create.ts';
import type { Ingress } from '../../src/ingress/ingress.ts';
import type { Request, Result } from '../../src/kernel/contracts/contracts.gen.ts';
import { headerNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import type { RequestId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { nestedTopic, platformTopics, repliesPartitions, requestsTopic, topics } from '../../src/kernel/topics.ts';
import { createClaimCheck } from '../../src/messaging/claim-check.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { createCommands } from '../../src/messaging/command-client.ts';
import { createMemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import type { InRecord, Messaging } from '../../src/messaging/messaging.ts';
import { createPresence, createPresenceView } from '../../src/messaging/presence.ts';
import { createOwnRegistry } from '../../src/messaging/registry/own-registry.ts';
import { createStateView } from '../../src/messaging/tail-state.ts';
import { createDirectoryBlobs } from '../../src/platform/blobs/directory-blobs.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createBareRepositories } from '../../src/platform/git/bare-repositories.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { python } from './control-scenario.ts';

/** Part of a result that a test's algorithm gives; the rest follows from the request. */
export type Run = (request: Request, body: Buffer) => Partial<Result> | null;

export const adminKey = 'simAdminKeyOfTheFlowTestsAAAAAAAA';
const pool = 'cpu';

/** The parts around an ingress, in this process: the real control plane, catalog, git, blobs; a log in memory. */
export interface IngressPlatform {
  readonly ingress: Ingress;
  readonly messaging: Messaging;
  readonly codec: ReturnType<typeof createCodec>;
  /** As the platform's executors sign. */
  readonly runTokens: RunTokens;
  /** What executors do with requests from now on; null leaves a request without answer. */
  run: Run;
  /** Requests that arrived, newest last. */
  readonly requests: { readonly id: string; readonly record: InRecord; readonly request: Request }[];
  /** Sends to the API; the admin's key unless `key` is given (null: none). */
  call(method: string, path: string, options?: CallOptions): Promise<Response>;
  /** A second ingress on the same log. */
  another(config?: Partial<IngressConfig>): Promise<Ingress>;
  /** Makes `owner/name`, built and published. */
  publish(owner: string, name: string, options?: { callability?: string; settings?: object }): Promise<string>;
  /** Makes a user with a key. */
  user(name: string, permissions?: object): Promise<string>;
  stopExecutor(): Promise<void>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly raw?: Buffer | string;
  readonly headers?: Record<string, string>;
  readonly at?: Ingress;
  readonly signal?: AbortSignal;
}

const defaults: IngressConfig = {
  MILLRACE_HTTP_HOST: '127.0.0.1',
  MILLRACE_HTTP_PORT: 0,
  MILLRACE_CALLS_WAITING_MAX: 100,
  MILLRACE_CALLS_PER_ACCOUNT_MAX: 50,
  MILLRACE_ANSWERS_MAX: 1000,
  MILLRACE_BUILD_TIMEOUT_S: 10,
  MILLRACE_REQUEST_TIMEOUT_S: 5,
};

const echo: Run = (request, body) => ({ contentType: request.contentType, body });

const resultOf = (request: Request, part: Partial<Result>): Result => ({
  status: 'succeeded',
  algorithmId: request.algorithmId,
  algorithm: request.algorithm,
  build: request.build,
  version: request.version,
  account: request.account,
  keyId: request.keyId,
  origin: request.origin,
  parent: request.parent,
  session: request.session,
  flow: request.flow,
  causation: request.causation,
  stored: request.stored,
  idempotencyKey: request.idempotencyKey,
  acceptedAtMs: request.acceptedAtMs,
  takenAtMs: request.acceptedAtMs + 1,
  startedAtMs: request.acceptedAtMs + 1.5,
  finishedAtMs: request.acceptedAtMs + 3,
  durationS: 0.0012,
  cold: false,
  cpuS: null,
  memoryPeakBytes: null,
  executor: 'executor/1/1',
  stdout: null,
  error: null,
  contentType: 'json',
  body: null,
  bodyRef: null,
  ...part,
});

export const startIngressPlatform = async (config: Partial<IngressConfig> = {}): Promise<IngressPlatform> => {
  const clock = systemClock;
  const random = systemRandom;
  const logger = silentLogger;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-ingress-'));
  const broker = createMemoryBroker({ clock });
  const messaging = createMemoryMessaging({ broker });
  const codec = createCodec();
  await messaging.admin.ensureTopics(platformTopics([pool]));
  const onFailed = (error: Error): void => {
    throw error;
  };
  const control = createControl({
    messaging,
    codec,
    clock,
    random,
    logger,
    admin: { user: 'admin', key: adminKey },
    environments: [python],
    onFailed,
  });
  await control.start();
  const kinds = [accountKind, keyKind, algorithmKind, buildKind, versionKind, environmentKind, reservationKind];
  const view = await createStateView({ messaging, codec, clock, logger, kinds });
  const commands = await createCommands({ messaging, codec, view, clock, random, process: 'test' });
  const accounts = createAccounts({ view });
  const catalog = createCatalog({ view, accounts });
  const presence = await createPresenceView({ messaging, codec, clock, onFailed });
  const blobs = createDirectoryBlobs({ folder: join(folder, 'blobs') });
  const claimCheck = createClaimCheck({ blobs, clock, random });
  const appender = await messaging.appender({ name: 'test' });
  const writer = createPresence({
    appender,
    codec,
    clock,
    logger,
    describe: () => ({
      process: 'test/1/1',
      roles: ['executor', 'control'],
      startedAtMs: 1,
      pool,
      slots: 2,
      busy: 0,
      warm: {},
      queued: 0,
      transactionalIds: [],
      endpoint: null,
      memoryBytes: 0,
      lastError: null,
    }),
  });
  writer.start();
  await until(() => presence.liveIn('executor', pool).length > 0);

  const runTokens = createRunTokens('the secret of the flow tests, for all processes');
  const git = createBareRepositories({ folder: join(folder, 'git') });
  const ingresses: Ingress[] = [];
  const another = async (more: Partial<IngressConfig> = {}): Promise<Ingress> => {
    const ingress = createIngress({
      messaging,
      codec,
      accounts,
      catalog,
      view,
      commands,
      presence,
      blobs,
      claimCheck,
      redis: null,
      process: 'ingress-of-the-test',
      runTokens,
      git,
      registry: createOwnRegistry({ topics: platformTopics([pool]) }),
      broker: { brokers: ['127.0.0.1:9092'], mechanism: 'SCRAM-SHA-512' },
      pools: [pool],
      clock,
      random,
      logger,
      metrics: createMetrics(),
      config: { ...defaults, ...config, ...more },
      onFailed,
    });
    await ingress.start();
    ingresses.push(ingress);
    return ingress;
  };
  const ingress = await another();

  const answer = async (record: InRecord): Promise<void> => {
    const id = headerText(record.headers, headerNames.id) as RequestId;
    const request = codec.decode('request', record);
    platform.requests.push({ id, record, request });
    const body = (await claimCheck.get(request)) ?? Buffer.alloc(0);
    const part = platform.run(request, body);
    if (part === null) return;
    const checked = part.body === undefined || part.body === null ? {} : await claimCheck.put(part.body);
    const partition = request.replyPartition ?? repliesPartitions + (id.charCodeAt(5) % (12 - repliesPartitions));
    await appender.append(
      codec.encode(topics.results, resultOf(request, { ...part, ...checked }), { key: id, id, partition }),
    );
  };
  const executor = await messaging.join({
    group: `executors.${pool}`,
    topics: [requestsTopic(pool), nestedTopic(pool)],
    onAssigned: () => {},
    onRecords: async (_assignment, records) => {
      for (const record of records) await answer(record);
    },
    onRevoked: async () => {},
    onLost: () => {},
    onFailed,
  });
  const builder = await messaging.join({
    group: 'builder',
    topics: [topics.builds],
    onAssigned: () => {},
    onRecords: async (_assignment, records) => {
      for (const record of records) await build(record);
    },
    onRevoked: async () => {},
    onLost: () => {},
    onFailed,
  });
  /** A builder that takes every commit as it is. */
  const build = async (record: InRecord): Promise<void> => {
    const order = codec.decode('build', record);
    const text = 'Beginning container customization\nall done\n';
    const log = `builds/${order.algorithmId}/${order.build}.log`;
    const line = {
      subject: 'build',
      subjectId: order.build,
      algorithmId: order.algorithmId,
      atMs: clock.nowMs(),
    } as const;
    for (const each of [
      { text, last: false },
      { text: '', last: true },
    ]) {
      const message = { ...line, stream: 'platform' as const, ...each };
      await appender.append(codec.encode(topics.logs, message, { key: order.build }));
    }
    await blobs.put(log, Buffer.from(text));
    const run = { pool, isolation: 'account', memoryBytes: 1, cpus: 1, processes: 1, loadTimeoutS: 1 };
    const body = {
      algorithmId: order.algorithmId,
      hash: order.build,
      status: 'succeeded',
      artefact: { app: 'a'.repeat(64), dependencies: null, sizeBytes: 1 },
      run,
      tests: null,
      error: null,
      log,
    };
    await commands.send({ name: 'build.finish', actor: 'role:builder', keyId: null, body });
  };

  const call: IngressPlatform['call'] = async (method, path, options = {}) => {
    const key = options.key === undefined ? adminKey : options.key;
    const json = options.body === undefined ? undefined : JSON.stringify(options.body);
    return await fetch(`${(options.at ?? ingress).address}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Simple ${key}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(json === undefined && options.raw === undefined ? {} : { body: json ?? options.raw }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  };
  const expectOk = async (response: Response): Promise<Record<string, unknown>> => {
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };

  const platform: IngressPlatform = {
    ingress,
    messaging,
    codec,
    runTokens,
    run: echo,
    requests: [],
    call,
    another,
    publish: async (owner, name, options = {}) => {
      const settings = { algorithm_environment: python.id, ...options.settings };
      await expectOk(await call('POST', `/v1/algorithms/${owner}`, { body: { name, settings } }));
      const repository = { owner, name };
      const source = await mkdtemp(join(folder, 'source-'));
      await import('node:fs/promises').then(async (fs) => await fs.writeFile(join(source, 'main.py'), `# ${name}`));
      await git.create(repository);
      await git.commitFolder(repository, source, { author: { name: 'T', email: 't@example.org' }, message: 'first' });
      const built = await expectOk(await call('POST', `/v1/algorithms/${owner}/${name}/compile`));
      const body = { settings: { algorithm_callability: options.callability ?? 'public' } };
      await expectOk(await call('POST', `/v1/algorithms/${owner}/${name}/versions`, { body }));
      return (built['version_info'] as { git_hash: string }).git_hash;
    },
    user: async (name, permissions = {}) => {
      await expectOk(await call('POST', '/v1/users', { body: { username: name, email: `${name}@example.org` } }));
      const body = { key_label: 'test', permissions };
      return String((await expectOk(await call('POST', `/v1/users/${name}/keys`, { body })))['api_key']);
    },
    stopExecutor: async () => {
      await writer.stop();
      await until(() => presence.liveIn('executor', pool).length === 0);
    },
    close: async () => {
      for (const each of ingresses) await each.stop();
      await Promise.all([executor.close(), builder.close()]);
      await writer.stop();
      await presence.close();
      await commands.close();
      await view.close();
      await control.stop();
      await messaging.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return platform;
};

/** Waits for a condition; fails after five seconds. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  const endMs = performance.now() + 5_000;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error('the condition did not come true within five seconds');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
