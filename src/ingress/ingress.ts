import type { Accounts } from '../accounts/accounts.ts';
import type { RunTokens } from '../accounts/run-token.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import type { ClaimCheck } from '../messaging/claim-check.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Messaging } from '../messaging/messaging.ts';
import type { PresenceView } from '../messaging/presence.ts';
import type { Commands, StateView } from '../messaging/state-view.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import type { GitRepositories } from '../platform/git/git.ts';
import type { Redis } from '../platform/redis/redis.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { IngressConfig } from './config.ts';

/** The synchronous HTTP facade: a call becomes a request on the log, its result the answer. */
export interface Ingress {
  /** Opens its readers and listens. Throws when the port is taken or no broker answers. To be called once. */
  start(): Promise<void>;
  /** Takes no more connections, lets the calls that wait end (bounded), closes what it opened. May be called twice. */
  stop(): Promise<void>;
  /** `http://HOST:PORT` once started. */
  readonly address: string;
  /** False while a call could not be answered: view behind, reader or log away. `/readyz` says which. */
  readonly ready: boolean;
}

/** What the registry of the own schemas answers under `/registry`. */
export interface RegistryReads {
  get(path: string): { readonly status: number; readonly body: unknown };
}

/** What outsiders are told of the brokers. */
export interface BrokerAddress {
  readonly brokers: readonly string[];
  readonly mechanism: string;
}

export interface IngressDeps {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly view: StateView;
  readonly commands: Commands;
  readonly presence: PresenceView;
  readonly blobs: Blobs;
  /** What the ingresses of an installation share; null: each keeps its own. */
  readonly redis: Redis | null;
  /** This process's name, unique. */
  readonly process: string;
  readonly claimCheck: ClaimCheck;
  readonly runTokens: RunTokens;
  readonly git: GitRepositories;
  readonly registry: RegistryReads;
  readonly broker: BrokerAddress;
  /** Pools of executors; builds that name none run in the first. */
  readonly pools: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: IngressConfig;
  /** A reader of the log ended for good: the process should end. */
  onFailed(error: Error): void;
}
