import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { buildKind, type Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../kernel/clock.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { requestsTopic } from '../kernel/topics.ts';
import type { ClaimCheck } from '../messaging/claim-check.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Messaging } from '../messaging/messaging.ts';
import type { StateView } from '../messaging/state-view.ts';
import type { WorkConsumer } from '../messaging/work.ts';
import { createWorkConsumer } from '../messaging/work-consumer.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import { unpackLayer } from '../platform/git/unpack-archive.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { SandboxDriver } from '../sandboxes/sandbox.ts';
import { type Artefacts, createArtefacts } from './artefacts.ts';
import type { ExecutorsConfig } from './config.ts';
import { createDispatcher, type Dispatcher } from './dispatcher.ts';
import { createExecutorMetrics } from './executor-metrics.ts';
import { type Executor, executorGroup } from './executors.ts';
import { createIntake } from './intake.ts';
import { createOpenSession } from './open-session.ts';
import type { PoolPolicy } from './pool/decide.ts';
import { createPrefetch } from './prefetch.ts';
import { createRecentRequests } from './recent-requests.ts';
import { createResolveClass } from './resolve-class.ts';
import { createOutputs } from './results/outputs.ts';

export interface ExecutorDeps {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly catalog: Catalog;
  /** The view that the catalog answers from. */
  readonly view: Pick<StateView, 'barrier' | 'watch'>;
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

const policyOf = (config: ExecutorsConfig): PoolPolicy => ({
  memoryBudgetBytes:
    config.MILLRACE_EXECUTOR_MEMORY_MB === undefined ? totalmem() / 2 : config.MILLRACE_EXECUTOR_MEMORY_MB * mebibyte,
  idleExpiryMs: config.MILLRACE_IDLE_EXPIRY_S * 1_000,
  growAfterMs: 20,
  yieldAfterMs: 1_000,
  reserved: () => 0,
});

/** Makes the executor of a pool. Nothing runs before `start`. */
export const createExecutor = (deps: ExecutorDeps): Executor => {
  const { clock, config, logger, messaging } = deps;
  const pool = config.MILLRACE_POOL;
  const topic = requestsTopic(pool);
  const slots = slotsOf(config);
  const transactionalId = `executor-${deps.random.uuid()}`;
  const resolve = createResolveClass(deps.catalog);
  const recent = createRecentRequests(messaging, topic);
  let running: Running | null = null;
  let stopping: Promise<void> | null = null;
  let failed = false;

  const prepare = (artefacts: Artefacts): Pick<Running, 'dispatcher'> & { intake: ReturnType<typeof createIntake> } => {
    const outputs = createOutputs({
      codec: deps.codec,
      logger,
      executor: deps.process,
      storeBody: async (body) => await deps.claimCheck.put(body),
    });
    const dispatcher = createDispatcher({
      clock,
      logger,
      slots,
      policy: policyOf(config),
      open: createOpenSession({ ...deps, artefacts }),
      fetchBody: async (ref) => await deps.blobs.read(ref),
      onEnd: (call, ended) => {
        intake.answer(call, ended);
      },
    });
    const intake = createIntake({
      codec: deps.codec,
      clock,
      logger,
      outputs,
      dispatcher,
      metrics: createExecutorMetrics(deps.metrics, () => dispatcher.state()),
      isCopy: recent.isCopy,
      resolve: ({ request }) => resolve(request),
      refresh: async () => {
        await deps.view.barrier();
      },
    });
    return { dispatcher, intake };
  };

  const start = async (): Promise<void> => {
    const artefacts = await createArtefacts({
      blobs: deps.blobs,
      folder: join(deps.dataFolder, 'layers'),
      maxBytes: config.MILLRACE_ARTEFACTS_MB * mebibyte,
      clock,
      random: deps.random,
      logger,
      unpack: unpackLayer,
    });
    const { dispatcher, intake } = prepare(artefacts);
    const prefetch = createPrefetch({ artefacts, clock, logger, pool });
    deps.view.watch(buildKind, ({ after }) => {
      if (after !== undefined && stopping === null) prefetch(after);
    });
    const consumer = await createWorkConsumer({
      messaging,
      clock,
      logger,
      group: executorGroup(pool),
      topics: [topic],
      // Who writes requests appends without transactions.
      isolation: 'uncommitted',
      mode: { kind: 'transaction', transactionalId, everyMs: limits.settleEveryMs },
      inFlightMax: slots * inFlightPerSlot,
      onOpening: async (opening) => {
        await recent.open(opening);
      },
      onDelivery: (delivery) => {
        intake.take(delivery);
      },
      onReleased: (generation) => {
        recent.close(generation);
        dispatcher.release(generation);
      },
      onPoison: (record, blamed) => intake.poison(record, blamed),
      onFailed: (error) => {
        failed = true;
        deps.onFailed(error);
      },
    });
    running = { consumer, dispatcher };
    logger.info({ event: 'executor.started', pool, slots, transactionalId });
  };

  const stop = async (): Promise<void> => {
    if (running === null) return;
    // The drain gives back what is queued and commits what runs; only then are the sandboxes ended.
    await running.consumer.close();
    await running.dispatcher.close();
    logger.info({ event: 'executor.stopped', pool });
  };

  return {
    start,
    stop: async () => {
      stopping ??= stop();
      await stopping;
    },
    ready: () => running !== null && stopping === null && !failed,
    presence: () => {
      const state = running?.dispatcher.state();
      return {
        pool,
        slots,
        busy: state?.busy ?? 0,
        warm: state?.warm ?? {},
        queued: state?.queued ?? 0,
        transactionalIds: [transactionalId],
      };
    },
  };
};

interface Running {
  readonly consumer: WorkConsumer;
  readonly dispatcher: Dispatcher;
}
