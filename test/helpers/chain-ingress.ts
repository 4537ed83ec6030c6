import { join } from 'node:path';
import { accountKind, keyKind } from '../../src/accounts/accounts.ts';
import { createAccounts } from '../../src/accounts/create.ts';
import type { RunTokens } from '../../src/accounts/run-token.ts';
import { createCatalog } from '../../src/catalog/create.ts';
import type { Executor } from '../../src/executors/executors.ts';
import { createIngress } from '../../src/ingress/create.ts';
import type { EntityKind } from '../../src/kernel/entity.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { platformTopics } from '../../src/kernel/topics.ts';
import type { ClaimCheck } from '../../src/messaging/claim-check.ts';
import type { Codec } from '../../src/messaging/codec.ts';
import { createCommands } from '../../src/messaging/command-client.ts';
import type { MemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import { createPresence, createPresenceView } from '../../src/messaging/presence.ts';
import { createOwnRegistry } from '../../src/messaging/registry/own-registry.ts';
import type { StateView } from '../../src/messaging/state-view.ts';
import type { Blobs } from '../../src/platform/blobs/blobs.ts';
import { systemClock as clock } from '../../src/platform/clock.ts';
import { createBareRepositories } from '../../src/platform/git/bare-repositories.ts';
import { systemRandom as random } from '../../src/platform/random.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { accountOf, keyOf } from './people.ts';

export interface ChainIngressParts {
  readonly folder: string;
  readonly broker: MemoryBroker;
  readonly codec: Codec;
  readonly view: StateView;
  readonly blobs: Blobs;
  readonly claimCheck: ClaimCheck;
  readonly runTokens: RunTokens;
  /** Whose presence it sees; read when it is asked for. */
  readonly executors: readonly Executor[];
  put(kind: EntityKind, value: unknown): Promise<void>;
}

export interface ChainIngress {
  readonly address: string;
  close(): Promise<void>;
}

/** Key of `ann` at {@link openChainIngress}. */
export const annsKey = 'simAnn';

/** The HTTP API in front of the executors of a scenario, on the same log. The account `ann` has the key {@link annsKey}. */
export const openChainIngress = async (parts: ChainIngressParts): Promise<ChainIngress> => {
  const { broker, codec, view, executors, folder } = parts;
  const messaging = createMemoryMessaging({ broker });
  const onFailed = (error: Error): void => {
    throw error;
  };
  await parts.put(accountKind, accountOf('ann'));
  await parts.put(
    keyKind,
    keyOf('ann', annsKey, { id: 'key', permissions: { call: ['*'], manage: true, admin: false } }),
  );
  const appender = await messaging.appender({ name: 'presence' });
  const writers = executors.map((executor, at) =>
    createPresence({
      appender,
      codec,
      clock,
      logger: silentLogger,
      describe: () => ({
        process: `test/${at + 1}/1`,
        roles: ['executor'],
        startedAtMs: 1,
        endpoint: null,
        memoryBytes: 0,
        lastError: null,
        ...executor.presence(),
      }),
    }),
  );
  for (const writer of writers) writer.start();
  const presence = await createPresenceView({ messaging, codec, clock, onFailed });
  while (presence.liveIn('executor', 'cpu').length < executors.length)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const accounts = createAccounts({ view });
  const commands = await createCommands({ messaging, codec, view, clock, random, process: 'ingress' });
  const ingress = createIngress({
    messaging,
    codec,
    accounts,
    catalog: createCatalog({ view, accounts }),
    view,
    commands,
    presence,
    blobs: parts.blobs,
    claimCheck: parts.claimCheck,
    redis: null,
    process: 'ingress-of-the-test',
    runTokens: parts.runTokens,
    git: createBareRepositories({ folder: join(folder, 'git') }),
    registry: createOwnRegistry({ topics: platformTopics(['cpu']) }),
    broker: { brokers: ['127.0.0.1:9092'], mechanism: 'none' },
    pools: ['cpu'],
    clock,
    random,
    logger: silentLogger,
    metrics: createMetrics(),
    config: {
      MILLRACE_HTTP_HOST: '127.0.0.1',
      MILLRACE_HTTP_PORT: 0,
      MILLRACE_CALLS_WAITING_MAX: 1_000,
      MILLRACE_CALLS_PER_ACCOUNT_MAX: 80,
      MILLRACE_ANSWERS_MAX: 1_000,
      MILLRACE_BUILD_TIMEOUT_S: 10,
      MILLRACE_REQUEST_TIMEOUT_S: 30,
    },
    onFailed,
  });
  await ingress.start();
  return {
    address: ingress.address,
    close: async () => {
      await ingress.stop();
      await Promise.all(writers.map(async (writer) => await writer.stop()));
      await presence.close();
      await commands.close();
      await messaging.close();
    },
  };
};
