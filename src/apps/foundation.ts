import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Accounts, accountKind, keyKind } from '../accounts/accounts.ts';
import { createAccounts } from '../accounts/create.ts';
import { algorithmKind, buildKind, type Catalog, environmentKind, versionKind } from '../catalog/catalog.ts';
import { createCatalog } from '../catalog/create.ts';
import { reservationKind } from '../catalog/reservations.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { platformTopics, type Topic } from '../kernel/topics.ts';
import { type ClaimCheck, createClaimCheck } from '../messaging/claim-check.ts';
import { type Codec, createCodec } from '../messaging/codec.ts';
import { createCommands } from '../messaging/command-client.ts';
import { createMessaging, type KafkaConnection } from '../messaging/create.ts';
import type { Messaging, TopicMismatch } from '../messaging/messaging.ts';
import { createPresenceView, type PresenceView } from '../messaging/presence.ts';
import { registerSchemas } from '../messaging/registry/external-registry.ts';
import type { SchemaIds } from '../messaging/registry/schema-ids.ts';
import type { Commands, StateView } from '../messaging/state-view.ts';
import { createStateView } from '../messaging/tail-state.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import type { BlobsConfig } from '../platform/blobs/config.ts';
import { openBlobs } from '../platform/blobs/open-blobs.ts';
import { createBareRepositories } from '../platform/git/bare-repositories.ts';
import type { GitRepositories } from '../platform/git/git.ts';
import { createMetrics, type Metrics } from '../platform/telemetry/metrics.ts';

/** What every role of a process stands on. */
export interface Foundation {
  /** host/pid/start, unique. */
  readonly process: string;
  readonly dataFolder: string;
  readonly runtimeFolder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly connection: KafkaConnection;
  readonly messaging: Messaging;
  /** Topics that exist otherwise than declared. */
  readonly mismatches: readonly TopicMismatch[];
  readonly codec: Codec;
  readonly view: StateView;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly commands: Commands;
  readonly presence: PresenceView;
  readonly blobs: Blobs;
  readonly claimCheck: ClaimCheck;
  readonly git: GitRepositories;
  /** A role cannot go on: the process must end. */
  readonly onFailed: (error: Error) => void;
  close(): Promise<void>;
}

export interface FoundationOptions {
  readonly dataFolder: string;
  readonly runtimeFolder: string;
  readonly connection: KafkaConnection;
  readonly topicPrefix: string;
  readonly replicationFactor: number;
  readonly pools: readonly string[];
  /** Where the contracts are registered; null: nowhere, their ids are our own. */
  readonly registry: {
    readonly url: string;
    readonly credentials?: { readonly username: string; readonly password: string };
  } | null;
  readonly blobs: BlobsConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onFailed: (error: Error) => void;
}

const kinds = [accountKind, keyKind, environmentKind, algorithmKind, buildKind, versionKind, reservationKind];

const nameProcess = (clock: Clock): string => `${hostname()}/${process.pid}/${Math.round(clock.nowMs()).toString(36)}`;

/** Ids of the contracts: given by the external registry where there is one, else those pinned in `schemas/`. */
const schemaIds = async (
  { registry, pools }: FoundationOptions,
  messaging: Messaging,
): Promise<{ readonly ids?: SchemaIds }> => {
  if (registry === null) return {};
  const fullName = (topic: Topic): string => messaging.admin.fullName(topic);
  return { ids: await registerSchemas({ ...registry, topics: platformTopics(pools), fullName }) };
};

/** Connects to the log, creates the topics that are missing, reads the control plane's state. */
export const openFoundation = async (options: FoundationOptions): Promise<Foundation> => {
  const { clock, random, logger, connection, onFailed, dataFolder } = options;
  const name = nameProcess(clock);
  const metrics = createMetrics();
  const messaging = await createMessaging({
    ...connection,
    clientId: name,
    topicPrefix: options.topicPrefix,
    replicationFactor: options.replicationFactor,
    clock,
    logger,
  });
  const mismatches = await messaging.admin.ensureTopics(platformTopics(options.pools));
  for (const mismatch of mismatches) logger.warn({ event: 'topic.mismatch', ...mismatch });
  const codec = createCodec(await schemaIds(options, messaging));
  const view = await createStateView({ messaging, codec, clock, logger, kinds });
  const accounts = createAccounts({ view });
  const commands = await createCommands({ messaging, codec, view, clock, random, process: name });
  const presence = await createPresenceView({ messaging, codec, clock, onFailed });
  const { blobs, close: closeBlobs } = await openBlobs(options.blobs, join(dataFolder, 'blobs'));
  return {
    process: name,
    dataFolder,
    runtimeFolder: options.runtimeFolder,
    clock,
    random,
    logger,
    metrics,
    connection,
    messaging,
    mismatches,
    codec,
    view,
    accounts,
    catalog: createCatalog({ view, accounts }),
    commands,
    presence,
    blobs,
    claimCheck: createClaimCheck({ blobs, clock, random }),
    git: createBareRepositories({ folder: join(dataFolder, 'git') }),
    onFailed,
    close: async () => {
      await presence.close();
      await commands.close();
      await view.close();
      await messaging.close();
      closeBlobs();
    },
  };
};
