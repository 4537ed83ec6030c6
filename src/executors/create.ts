import { rm } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { RunTokens } from '../accounts/run-token.ts';
import { buildKind, type Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../kernel/clock.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { nestedTopic, requestsTopic } from '../kernel/topics.ts';
import type { ClaimCheck } from '../messaging/claim-check.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Messaging } from '../messaging/messaging.ts';
import type { StateView } from '../messaging/state-view.ts';
import type { WorkConsumer } from '../messaging/work.ts';
import { createWorkConsumer } from '../messaging/work-consumer.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import { createLayerStore } from '../platform/blobs/layer-store.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Interpreters } from '../sandboxes/interpreters.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { type Artefacts, createArtefacts } from './artefacts.ts';
import { createForwarder, type Forwarder } from './chaining/forward.ts';
import type { ExecutorsConfig } from './config.ts';
import { createDispatcher, type Dispatcher, type DispatcherDeps } from './dispatcher.ts';
import { makeSocketFolder } from './endpoint/socket-folder.ts';
import { createExecutorMetrics } from './executor-metrics.ts';
import { type Executor, type ExecutorPresence, executorGroup } from './executors.ts';
import { createIntake, type Intake } from './intake.ts';
import { createLanguages, type Language } from './languages.ts';
import { createOpenSession } from './open-session.ts';
import type { PoolPolicy } from './pool/decide.ts';
import { createPrefetch } from './prefetch.ts';
import { createRecentRequests } from './recent-requests.ts';
import { createReservations, type Reservations } from './reservations.ts';
import { createResolveClass } from './resolve-class.ts';
import { createOutputs } from './results/outputs.ts';
import { createStoredPartition } from './results/partition.ts';
import { limitsMaxOf } from './sandbox-limits.ts';
import type { IsCopy } from './steps/drop-copy.ts';
import { openStock } from './stock/open-stock.ts';
import type { Stock } from './stock/stock.ts';

export interface ExecutorDeps {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly catalog: Catalog;
  /** The view that the catalog answers from. */
  readonly view: Pick<StateView, 'all' | 'barrier' | 'watch'>;
  readonly blobs: Blobs;
  readonly claimCheck: ClaimCheck;
  readonly driver: SandboxDriver;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: ExecutorsConfig;
  /** Folder of what is kept on this machine. */
  readonly dataFolder: string;
  /** Folder `runtime/` of this release, with the language runners. */
  readonly runtimeFolder: string;
  readonly interpreters: Interpreters;
  readonly runTokens: RunTokens;
  /** Address of the HTTP API, to which calls that running calls make are handed; null while none is known. */
  ingressUrl(): string | null;
  /** Name of this process: host/pid/start. */
  readonly process: string;
  /** The executor cannot go on: the process must end. */
  onFailed(error: Error): void;
}

const mebibyte = 1024 * 1024;
/** Requests taken for each slot: enough to keep a fast algorithm busy, few enough to leave work to other executors. */
const inFlightPerSlot = 256;

/** Two sandboxes for each core, at least four. */
const slotsOf = (config: ExecutorsConfig): number => config.MILLRACE_SLOTS ?? Math.max(4, 2 * availableParallelism());

const memoryBudgetOf = ({ MILLRACE_EXECUTOR_MEMORY_MB: megabytes }: ExecutorsConfig): number =>
  megabytes === undefined ? totalmem() / 2 : megabytes * mebibyte;

const policyOf = (config: ExecutorsConfig, stock: Stock, reservations: Reservations): PoolPolicy => ({
  get memoryBudgetBytes() {
    return memoryBudgetOf(config) - stock.memoryBytes();
  },
  idleExpiryMs: config.MILLRACE_IDLE_EXPIRY_S * 1_000,
  growAfterMs: 20,
  yieldAfterMs: 1_000,
  reserved: (classKey) => reservations.min(classKey),
});

/** What sandboxes are given of this machine. */
interface Places {
  readonly artefacts: Artefacts;
  /** Folder of the sandboxes' sockets. */
  readonly sockets: string;
  readonly languages: ReadonlyMap<string, Language>;
  readonly stock: Stock;
  readonly forwarder: Forwarder;
}

interface Running extends Places {
  readonly consumer: WorkConsumer;
  readonly dispatcher: Dispatcher;
}

class PoolExecutor implements Executor {
  readonly #deps: ExecutorDeps;
  readonly #slots: number;
  readonly #transactionalId: string;
  /** Partitions of nested calls that are owned now, by period of ownership. */
  readonly #nested = new Map<number, number>();
  #running: Running | null = null;
  #stopping: Promise<void> | null = null;
  #failed = false;

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
    this.#slots = slotsOf(deps.config);
    this.#transactionalId = `executor-${deps.random.uuid()}`;
  }

  async start(): Promise<void> {
    const { clock, config, logger, view } = this.#deps;
    const pool = config.MILLRACE_POOL;
    const artefacts = await this.#openArtefacts();
    const prefetch = createPrefetch({ artefacts, clock, logger, pool });
    view.watch(buildKind, ({ after }) => {
      if (after !== undefined && this.#stopping === null) prefetch(after);
    });
    const sockets = await makeSocketFolder(this.#deps.dataFolder, this.#transactionalId.slice(-12));
    this.#running = await this.#consume(this.#prepare(artefacts, sockets));
    logger.info({ event: 'executor.started', pool, slots: this.#slots, transactionalId: this.#transactionalId });
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#end();
    await this.#stopping;
  }

  ready(): boolean {
    return this.#running !== null && this.#stopping === null && !this.#failed;
  }

  presence(): ExecutorPresence {
    const state = this.#running?.dispatcher.state();
    return {
      pool: this.#deps.config.MILLRACE_POOL,
      slots: this.#slots,
      busy: state?.busy ?? 0,
      warm: { ...state?.warm, ...this.#running?.stock.counts() },
      queued: state?.queued ?? 0,
      transactionalIds: [this.#transactionalId],
    };
  }

  async #end(): Promise<void> {
    if (this.#running === null) return;
    // The drain gives back what is queued and commits what runs; only then are the sandboxes ended.
    await this.#running.consumer.close();
    await this.#running.dispatcher.close();
    await this.#running.stock.close();
    this.#running.forwarder.close();
    await rm(this.#running.sockets, { recursive: true, force: true });
    this.#deps.logger.info({ event: 'executor.stopped', pool: this.#deps.config.MILLRACE_POOL });
  }

  async #openArtefacts(): Promise<Artefacts> {
    const { blobs, clock, config, dataFolder, logger, random } = this.#deps;
    const folder = join(dataFolder, 'layers');
    const layers = createLayerStore({ blobs, random, folder });
    const maxBytes = config.MILLRACE_ARTEFACTS_MB * mebibyte;
    return await createArtefacts({ layers, folder, maxBytes, clock, random, logger });
  }

  #prepare(artefacts: Artefacts, sockets: string): Places {
    const { clock, config, driver, interpreters, logger, random, runtimeFolder } = this.#deps;
    const languages = createLanguages({ runtimeFolder, nodeBinary: process.execPath, interpreters });
    const stock = openStock({
      driver,
      languages,
      limitsMax: limitsMaxOf(config),
      socketFolder: sockets,
      size: config.MILLRACE_PREWARMED,
      memoryBudgetBytes: memoryBudgetOf(config),
      clock,
      random,
      logger,
    });
    const forwarder = createForwarder({
      tokens: this.#deps.runTokens,
      ingressUrl: () => this.#deps.ingressUrl(),
      clock,
      random,
      process: this.#deps.process,
      partitions: () => [...this.#nested.values()],
    });
    return { artefacts, sockets, languages, stock, forwarder };
  }

  #createDispatcher(places: Places, onEnd: DispatcherDeps['onEnd']): Dispatcher {
    const { artefacts, languages, sockets, stock } = places;
    const { catalog, view } = this.#deps;
    const reservations = createReservations(view, catalog, this.#deps.config.MILLRACE_POOL);
    const { blobs, clock, config, driver, logger, random } = this.#deps;
    const limitsMax = limitsMaxOf(config);
    return createDispatcher({
      clock,
      logger,
      slots: this.#slots,
      policy: policyOf(config, stock, reservations),
      reserved: () => reservations.classes(),
      open: createOpenSession({
        driver,
        artefacts,
        stock,
        socketFolder: sockets,
        languages,
        limitsMax,
        clock,
        random,
        logger,
      }),
      forwarder: places.forwarder,
      fetchBody: async (ref) => await blobs.read(ref),
      onEnd,
    });
  }

  #createIntake(dispatcher: Dispatcher, isCopy: IsCopy): Intake {
    const { catalog, claimCheck, clock, codec, logger, metrics, view } = this.#deps;
    const resolve = createResolveClass(catalog);
    return createIntake({
      codec,
      clock,
      logger,
      dispatcher,
      isCopy,
      metrics: createExecutorMetrics(metrics, () => dispatcher.state()),
      outputs: createOutputs({
        codec,
        logger,
        executor: this.#deps.process,
        storedPartition: createStoredPartition(clock, this.#deps.random),
        storeBody: async (body) => await claimCheck.put(body),
      }),
      resolve: ({ request }) => resolve(request),
      refresh: async () => {
        await view.barrier();
      },
    });
  }

  async #consume(places: Places): Promise<Running> {
    const { clock, config, logger, messaging } = this.#deps;
    const nested = nestedTopic(config.MILLRACE_POOL);
    const topics = [requestsTopic(config.MILLRACE_POOL), nested];
    const recent = createRecentRequests(messaging, topics);
    const dispatcher = this.#createDispatcher(places, (call, ended) => intake.answer(call, ended));
    const intake = this.#createIntake(dispatcher, recent.isCopy);
    const consumer = await createWorkConsumer({
      messaging,
      clock,
      logger,
      group: executorGroup(config.MILLRACE_POOL),
      topics,
      apart: [nested],
      balance: 'each',
      // Who writes requests appends without transactions.
      isolation: 'uncommitted',
      mode: { kind: 'transaction', transactionalId: this.#transactionalId, everyMs: limits.settleEveryMs },
      inFlightMax: this.#slots * inFlightPerSlot,
      onOpening: async (opening) => {
        if (opening.topic === nested.name) this.#nested.set(opening.generation, opening.partition);
        await recent.open(opening);
      },
      onDelivery: (delivery) => intake.take(delivery),
      onReleased: (generation) => {
        this.#nested.delete(generation);
        recent.close(generation);
        dispatcher.release(generation);
      },
      onPoison: (record, blamed, generation) => intake.poison(record, blamed, generation),
      onFailed: (error) => {
        this.#failed = true;
        this.#deps.onFailed(error);
      },
    });
    return { ...places, consumer, dispatcher };
  }
}

/** Makes the executor of a pool. Nothing runs before `start`. */
export const createExecutor = (deps: ExecutorDeps): Executor => new PoolExecutor(deps);
