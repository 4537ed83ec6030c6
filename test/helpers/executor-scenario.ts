import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { accountKind, keyKind } from '../../src/accounts/accounts.ts';
import { createAccounts } from '../../src/accounts/create.ts';
import { createRunTokens } from '../../src/accounts/run-token.ts';
import {
  algorithmKind,
  type Build,
  buildKind,
  environmentKind,
  type RunSettings,
  versionKind,
} from '../../src/catalog/catalog.ts';
import { createCatalog } from '../../src/catalog/create.ts';
import { readEnvironments } from '../../src/catalog/environment-files.ts';
import { reservationKind } from '../../src/catalog/reservations.ts';
import type { ExecutorsConfig } from '../../src/executors/config.ts';
import { createExecutor } from '../../src/executors/create.ts';
import type { Executor } from '../../src/executors/executors.ts';
import type { Insight, LogLine, Request, Result } from '../../src/kernel/contracts/contracts.gen.ts';
import { headerText } from '../../src/kernel/contracts/envelope.ts';
import type { EntityKind } from '../../src/kernel/entity.ts';
import { accountNameOf, type RequestId, requestIdOf } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import {
  accountRepliesTopic,
  nestedTopic,
  platformTopics,
  requestsTopic,
  type Topic,
  topics,
} from '../../src/kernel/topics.ts';
import { createClaimCheck } from '../../src/messaging/claim-check.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { encodeEntity, encodeTombstone } from '../../src/messaging/entity-record.ts';
import { createMemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import type { InRecord } from '../../src/messaging/messaging.ts';
import { createStateView } from '../../src/messaging/tail-state.ts';
import { createDirectoryBlobs } from '../../src/platform/blobs/directory-blobs.ts';
import { createLayerStore } from '../../src/platform/blobs/layer-store.ts';
import { systemClock as clock } from '../../src/platform/clock.ts';
import { systemRandom as random } from '../../src/platform/random.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { createSandboxDriver, type SandboxDriverDeps } from '../../src/sandboxes/create.ts';
import { createInterpreters } from '../../src/sandboxes/interpreters.ts';
import { type ChainIngress, openChainIngress } from './chain-ingress.ts';

/** An answer as it stands in the log. */
export interface Answered {
  readonly id: string;
  readonly partition: number;
  readonly result: Result;
}

/** An algorithm with one build. */
export interface Deployed {
  readonly algorithmId: string;
  readonly build: Build;
}

export type Call = Partial<Request> & {
  readonly id?: RequestId;
  readonly attempt?: number;
  readonly deadlineMs?: number;
};

/** Waits for it; the test's own time limit bounds it. */
export const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};

const account = 'ann';
const root = join(import.meta.dirname, '../..');

const writeFiles = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
};

/** An executor with real sandboxes on a log in memory, and a reader of everything that it publishes. */
export const openExecutorScenario = async (kind: SandboxDriverDeps['kind'], config: Partial<ExecutorsConfig> = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'executor-flow-'));
  // As in production: sandboxes run under a user of their own, which must reach the folder.
  await chmod(folder, 0o711);
  const broker = createMemoryBroker({ clock });
  const messaging = createMemoryMessaging({ broker });
  await messaging.admin.ensureTopics([...platformTopics(['cpu']), accountRepliesTopic(accountNameOf(account))]);
  const codec = createCodec();
  const appender = await messaging.appender({ name: 'test' });
  const view = await createStateView({
    messaging,
    codec,
    clock,
    logger: silentLogger,
    kinds: [accountKind, keyKind, algorithmKind, buildKind, versionKind, environmentKind, reservationKind],
  });
  const blobs = createDirectoryBlobs({ folder: join(folder, 'blobs') });
  const claimCheck = createClaimCheck({ blobs, clock, random });
  // The builder's machine: what the executor needs must come by the blob store.
  const layers = createLayerStore({ blobs, random, folder: join(folder, 'builder-layers') });
  const driver = await createSandboxDriver({ kind, runFolder: join(folder, 'run'), clock, logger: silentLogger });
  const metrics = createMetrics();
  const interpreters = createInterpreters({
    folders: [join(homedir(), '.pyenv/versions')],
    linksFolder: join(folder, 'interpreters'),
    separateUser: process.getuid?.() === 0,
  });
  const failures: Error[] = [];

  const put = async (entityKind: EntityKind, value: unknown): Promise<void> => {
    await appender.append(encodeEntity(codec, entityKind, { revision: 1, value }, clock.nowMs()));
  };
  for (const environment of readEnvironments(join(root, 'runtime/environments'), interpreters))
    await put(environmentKind, environment);

  const runTokens = createRunTokens('the secret of the flow tests, for all processes');
  let ingress: ChainIngress | null = null;
  const executors: Executor[] = [];
  const startExecutor = async (): Promise<Executor> => {
    const executor = createExecutor({
      messaging: createMemoryMessaging({ broker }),
      codec,
      catalog: createCatalog({ view, accounts: createAccounts({ view }) }),
      view,
      blobs,
      claimCheck,
      driver,
      runTokens,
      ingressUrl: () => ingress?.address ?? null,
      clock,
      random,
      logger: silentLogger,
      metrics,
      config: {
        MILLRACE_POOL: 'cpu',
        MILLRACE_SLOTS: 4,
        MILLRACE_IDLE_EXPIRY_S: 300,
        MILLRACE_PREWARMED: 0,
        MILLRACE_ARTEFACTS_MB: 1_000,
        MILLRACE_SANDBOX_MEMORY_MB: 1_024,
        MILLRACE_SANDBOX_CPUS: 2,
        MILLRACE_SANDBOX_PROCESSES: 4_096,
        MILLRACE_SANDBOX_DISK_MB: 2_048,
        MILLRACE_SANDBOX_FILE_MB: 2_048,
        MILLRACE_SANDBOX_GPUS: 0,
        ...config,
      },
      dataFolder: join(folder, `executor-${executors.length}`),
      runtimeFolder: join(root, 'runtime'),
      interpreters,
      process: `test/${executors.length + 1}/1`,
      onFailed: (error) => {
        failures.push(error);
      },
    });
    await executor.start();
    executors.push(executor);
    return executor;
  };

  const answers: Answered[] = [];
  const insights: Insight[] = [];
  const logLines: LogLine[] = [];
  const replies: InRecord[] = [];
  const nested: InRecord[] = [];
  const dead: InRecord[] = [];
  const follow = async (topic: Topic, take: (record: InRecord) => void): Promise<void> => {
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      const onRecords = (records: readonly InRecord[]) => records.forEach(take);
      const onFailed = (error: Error) => void failures.push(error);
      await messaging.own({ topic, partition, from: 'start', isolation: 'committed', onRecords, onFailed });
    }
  };
  await follow(topics.results, (record) => {
    const id = headerText(record.headers, 'id') ?? '';
    answers.push({ id, partition: record.partition, result: codec.decode('result', record) });
  });
  await follow(topics.insights, (record) => void insights.push(codec.decode('insight', record)));
  await follow(topics.logs, (record) => void logLines.push(codec.decode('log-line', record)));
  await follow(nestedTopic('cpu'), (record) => void nested.push(record));
  await follow(topics.dead, (record) => void dead.push(record));
  await follow(accountRepliesTopic(accountNameOf(account)), (record) => void replies.push(record));

  const putPacked = async (packed: Buffer) => {
    const digest = createHash('sha256').update(packed).digest('hex');
    await blobs.put(`layers/${digest}.tar.gz`, packed);
    return { digest, sizeBytes: packed.length };
  };

  /** Builds an algorithm of these files as the builder would, and waits until the view knows it. */
  const deploy = async (
    files: Readonly<Record<string, string>>,
    options: {
      readonly environment?: string;
      readonly run?: Partial<RunSettings>;
      readonly dependencies?: Readonly<Record<string, string>>;
      /** Default: isolated. */
      readonly networkAccess?: 'isolated' | 'full';
      /** Packed bytes that are the artefact instead of the files, as nobody's builder would make them. */
      readonly packed?: Buffer;
      /** Tree of system packages. */
      readonly system?: Readonly<Record<string, string>>;
      /** Default: Work. */
      readonly name?: string;
      /** Whether it may call others. Default: true. */
      readonly pipelineEnabled?: boolean;
    } = {},
  ): Promise<Deployed> => {
    const algorithmId = randomUUID();
    const environment = options.environment ?? 'python3';
    const add = async (content: Readonly<Record<string, string>>) => {
      const source = join(folder, `source-${randomUUID()}`);
      await writeFiles(source, content);
      return await layers.add(source);
    };
    const app = options.packed === undefined ? await add(files) : await putPacked(options.packed);
    const digestOf = async (content?: Readonly<Record<string, string>>): Promise<string | null> =>
      content === undefined ? null : (await add(content)).digest;
    const settings = {
      callability: 'private',
      sourceVisibility: 'closed',
      license: 'apl',
      networkAccess: options.networkAccess ?? 'isolated',
      pipelineEnabled: options.pipelineEnabled ?? true,
      insightsEnabled: true,
    } as const;
    await put(algorithmKind, {
      id: algorithmId,
      owner: account,
      name: (options.name ?? 'Work').toLowerCase(),
      label: options.name ?? 'Work',
      details: { label: 'Work', summary: '', tagline: '' },
      environment,
      settings,
      createdAtMs: 1,
    });
    const build: Build = {
      algorithmId,
      hash: randomUUID().replaceAll('-', '').padEnd(40, '0'),
      environment,
      status: 'succeeded',
      requestedBy: account,
      startedAtMs: 1,
      finishedAtMs: 2,
      artefact: {
        app: app.digest,
        dependencies: await digestOf(options.dependencies),
        system: await digestOf(options.system),
        sizeBytes: app.sizeBytes,
      },
      run: {
        pool: 'cpu',
        isolation: 'account',
        memoryBytes: 256 * 1024 * 1024,
        cpus: 1,
        processes: 64,
        loadTimeoutS: 20,
        ...options.run,
      },
      tests: null,
      error: null,
      log: null,
    };
    await put(buildKind, build);
    await view.barrier();
    return { algorithmId, build };
  };

  /** Publishes a request as ingress would. */
  const send = async ({ algorithmId, build }: Deployed, body: Buffer | string, call: Call = {}): Promise<RequestId> => {
    const { id = requestIdOf(randomUUID()), attempt = 1, deadlineMs = clock.nowMs() + 20_000, ...fields } = call;
    const request: Request = {
      algorithmId,
      algorithm: 'ann/Work',
      build: build.hash,
      version: null,
      account,
      keyId: 'key',
      origin: 'rest',
      parent: null,
      session: id,
      flow: null,
      causation: null,
      replyPartition: null,
      replyAccount: null,
      stored: false,
      idempotencyKey: null,
      wantsStdout: false,
      acceptedAtMs: Math.round(clock.nowMs()),
      contentType: 'json',
      ...(await claimCheck.put(Buffer.from(body))),
      ...fields,
    };
    const key = `${algorithmId}@${build.hash}#0`;
    await appender.append(
      codec.encode(requestsTopic('cpu'), request, { key, id, attempt, deadlineMs: Math.round(deadlineMs) }),
    );
    return id;
  };
  const answerOf = async (id: RequestId): Promise<Answered> => {
    let found: Answered | undefined;
    await until(() => {
      found = answers.find((each) => each.id === id);
      return found !== undefined || failures.length > 0;
    });
    if (found === undefined) throw new Error(`no answer: ${String(failures[0]?.stack)}`);
    return found;
  };
  const call = async (deployed: Deployed, body: Buffer | string, fields: Call = {}): Promise<Answered> =>
    await answerOf(await send(deployed, body, fields));

  /** Opens the HTTP API, to which the sandboxes' calls go, and gives its address. */
  const startIngress = async (): Promise<string> => {
    ingress = await openChainIngress({ folder, broker, codec, view, blobs, claimCheck, runTokens, executors, put });
    return ingress.address;
  };

  /** Keeps so many sandboxes of it warm for `ann`; 0: none. */
  const reserve = async ({ algorithmId, build }: Deployed, min: number): Promise<void> => {
    const entity = {
      algorithmId,
      algorithm: 'ann/Work',
      build: build.hash,
      version: null,
      account,
      min,
      setAtMs: 1,
      setBy: 'ann',
    };
    if (min > 0) await put(reservationKind, entity);
    else await appender.append(encodeTombstone(reservationKind, reservationKind.idOf(entity)));
    await view.barrier();
  };

  return {
    reserve,
    startIngress,
    runTokens,
    deploy,
    send,
    call,
    answerOf,
    startExecutor,
    appendRaw: async (value: Buffer, id: RequestId) =>
      await appender.append({
        topic: requestsTopic('cpu'),
        key: null,
        value,
        headers: [
          ['contract', Buffer.from('request/1')],
          ['id', Buffer.from(id)],
        ],
      }),
    claimCheck,
    clock,
    metrics,
    adopts: driver.adopts,
    /** Everything of this scenario on this machine lies here. */
    folder,
    /** Ids of the sandboxes that exist now. */
    sandboxes: async (): Promise<readonly string[]> => await readdir(join(folder, 'run/sandboxes')),
    answers,
    insights,
    logLines,
    replies,
    nested,
    dead,
    failures,
    close: async () => {
      await ingress?.close();
      await Promise.all(executors.map(async (executor) => await executor.stop()));
      await messaging.close();
      await view.close();
      await driver.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export type ExecutorScenario = Awaited<ReturnType<typeof openExecutorScenario>>;
