import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Build, Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../kernel/clock.ts';
import { asPlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Appender, InRecord, Messaging } from '../messaging/messaging.ts';
import type { Commands } from '../messaging/state-view.ts';
import type { Delivery, WorkConsumer } from '../messaging/work.ts';
import { createWorkConsumer } from '../messaging/work-consumer.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import type { GitRepositories } from '../platform/git/git.ts';
import { type BuildDeps, runBuild } from './build.ts';
import { createBuildLog } from './build-log.ts';
import type { BuildEnvironment, BuildOrder, Workspace } from './builder.ts';
import { builderErrors } from './errors.ts';

export interface BuilderDeps extends BuildDeps {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly catalog: Pick<Catalog, 'build'>;
  readonly commands: Commands;
  readonly git: GitRepositories;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly environments: ReadonlyMap<string, BuildEnvironment>;
  /** Scratch of running builds; on the layers' file system. Emptied at start. */
  readonly workFolder: string;
  readonly buildsAtOnce: number;
  /** The builder cannot go on: the process must end. */
  readonly onFailed: (error: Error) => void;
}

/** The builder role: consumes `builds.v1`, ends each build with the command `build.finish`. */
export interface Builder {
  start(): Promise<void>;
  /** Leaves builds that run to the next owner: they are begun again there. May be called twice. */
  stop(): Promise<void>;
}

const orderOf = (deps: BuilderDeps, record: InRecord): BuildOrder => {
  const { algorithmId, owner, name, build, environment } = deps.codec.decode('build', record);
  return { algorithmId, owner, name, hash: build, environment };
};

const prepareWorkspace = async (deps: BuilderDeps, appender: Appender, order: BuildOrder): Promise<Workspace> => {
  const environment = deps.environments.get(order.environment);
  if (environment === undefined) {
    throw builderErrors.ENVIRONMENT_UNKNOWN({
      message: `there is no environment "${order.environment}"; known are ${[...deps.environments.keys()].join(', ')}`,
    });
  }
  const folder = join(deps.workFolder, `${order.algorithmId}-${order.hash}`);
  const appFolder = join(folder, 'app');
  await rm(folder, { recursive: true, force: true });
  await mkdir(appFolder, { recursive: true });
  await deps.git.checkout({ owner: order.owner, name: order.name }, order.hash, appFolder);
  return { order, environment, appFolder, folder, log: createBuildLog({ ...deps, appender }, order) };
};

const isFinished = (build: Build | null): boolean => build !== null && build.status !== 'in-progress';

const buildOne = async (deps: BuilderDeps, appender: Appender, order: BuildOrder): Promise<void> => {
  // A record may come a second time after a crash: what has an end keeps it.
  if (isFinished(deps.catalog.build(order.algorithmId, order.hash))) return;
  const begin = deps.clock.monotonicMs();
  const workspace = await prepareWorkspace(deps, appender, order);
  const end = await runBuild(deps, workspace);
  await rm(workspace.folder, { recursive: true, force: true });
  const body = { algorithmId: order.algorithmId, hash: order.hash, ...end };
  const outcome = await deps.commands.send({ name: 'build.finish', actor: 'role:builder', keyId: null, body });
  deps.logger.info({
    event: 'build.finished',
    algorithm: `${order.owner}/${order.name}`,
    build: order.hash,
    status: end.status,
    outcome: outcome.kind,
    durationMs: Math.round(deps.clock.monotonicMs() - begin),
  });
};

/** A build that could not even begin ends failed, so that nobody waits for it. */
const endUnbuilt = async (deps: BuilderDeps, order: BuildOrder, error: unknown): Promise<void> => {
  const { message } = asPlatformError(error);
  deps.logger.error({ event: 'build.not-begun', build: order.hash, error: message });
  await deps.commands.send({
    name: 'build.finish',
    actor: 'role:builder',
    keyId: null,
    body: {
      algorithmId: order.algorithmId,
      hash: order.hash,
      status: 'failed',
      artefact: null,
      run: null,
      tests: null,
      error: { step: 'platform', message },
      log: null,
      lock: null,
    },
  });
};

const handle = async (deps: BuilderDeps, appender: Appender, delivery: Delivery): Promise<void> => {
  const order = orderOf(deps, delivery.record);
  await buildOne(deps, appender, order).catch(async (error: unknown) => await endUnbuilt(deps, order, error));
  await delivery.settle([]);
};

/** Makes the builder; nothing runs before `start`. */
export const createBuilder = (deps: BuilderDeps): Builder => {
  const queue: Delivery[] = [];
  let running = 0;
  let consumer: WorkConsumer | null = null;
  let appender: Appender | null = null;
  const pull = (): void => {
    while (running < deps.buildsAtOnce && appender !== null) {
      const delivery = queue.shift();
      if (delivery === undefined) return;
      running += 1;
      void handle(deps, appender, delivery)
        .catch((error: unknown) => deps.onFailed(asPlatformError(error)))
        .finally(() => {
          running -= 1;
          pull();
        });
    }
  };
  return {
    start: async () => {
      await rm(deps.workFolder, { recursive: true, force: true });
      await mkdir(deps.workFolder, { recursive: true });
      appender = await deps.messaging.appender({ name: 'builder-log' });
      consumer = await createWorkConsumer({
        messaging: deps.messaging,
        clock: deps.clock,
        logger: deps.logger,
        group: 'builder',
        topics: [topics.builds],
        isolation: 'committed',
        mode: { kind: 'append', name: 'builder', everyMs: 100 },
        inFlightMax: 64,
        onDelivery: (delivery) => {
          queue.push(delivery);
          pull();
        },
        onReleased: (generation) => {
          for (const each of queue.filter((queued) => queued.generation === generation)) {
            queue.splice(queue.indexOf(each), 1);
            each.giveBack();
          }
        },
        onPoison: (record) => {
          // What kills the builder is not tried a third time; whoever asked for it is told.
          const order = orderOf(deps, record);
          void endUnbuilt(deps, order, new Error('the builder ended twice during this build')).catch((error: unknown) =>
            deps.onFailed(asPlatformError(error)),
          );
          return [];
        },
        onFailed: deps.onFailed,
      });
    },
    stop: async () => {
      await consumer?.close();
      await appender?.close();
    },
  };
};
