import type { Account, Accounts } from '../accounts/accounts.ts';
import { accountKind } from '../accounts/accounts.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Clock } from '../kernel/clock.ts';
import { asPlatformError } from '../kernel/errors.ts';
import { accountNameOf } from '../kernel/ids.ts';
import type { Logger } from '../kernel/logger.ts';
import type { PipelineEnd } from '../kernel/pipeline.ts';
import { inboxTopic, retryDelays, retryTopic, type Topic } from '../kernel/topics.ts';
import type { ClaimCheck } from '../messaging/claim-check.ts';
import type { Codec } from '../messaging/codec.ts';
import type { InRecord, Messaging, OutRecord } from '../messaging/messaging.ts';
import { createOrderedLanes, type OrderedLanes } from '../messaging/ordered-lanes.ts';
import type { PresenceView } from '../messaging/presence.ts';
import type { StateView } from '../messaging/state-view.ts';
import type { Delivery, WorkConsumer } from '../messaging/work.ts';
import { createWorkConsumer } from '../messaging/work-consumer.ts';
import { arrivalOf } from './core/origin.ts';
import { accountOfInbox, deadOutput, requestOutput, retryOutput } from './outputs.ts';
import { inboxPipeline } from './pipeline.ts';
import type { Arrival, Placement } from './router.ts';

export interface RouterDeps {
  readonly messaging: Messaging;
  readonly codec: Codec;
  readonly view: StateView;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly claimCheck: ClaimCheck;
  readonly presence: PresenceView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly defaultPool: string;
  /** The router cannot go on: the process must end. */
  readonly onFailed: (error: Error) => void;
}

/** The router role. */
export interface Router {
  start(): Promise<void>;
  /** Drains and leaves. May be called twice. */
  stop(): Promise<void>;
  /** Records taken and not settled. */
  readonly inFlight: number;
}

const inFlightMax = 4_096;
const width = 512;
const delayOf = new Map<string, number>(retryDelays.map(({ name, delayMs }) => [retryTopic(name).name, delayMs]));

/** Records of one key keep their order; those without a key have none. */
const laneOf = ({ record }: Delivery): string =>
  `${record.topic}/${record.partition}/${record.key?.toString('latin1') ?? record.offset}`;

const settleLive = async (delivery: Delivery, outputs: readonly OutRecord[]): Promise<void> => {
  if (delivery.live) await delivery.settle(outputs);
};

/** Decides about deliveries and settles them. */
const createHandling = (
  deps: RouterDeps,
): { readonly lanes: OrderedLanes<Delivery>; readonly poison: (record: InRecord) => OutRecord } => {
  const { accounts, codec, clock, logger } = deps;
  const pipeline = inboxPipeline({
    accounts,
    catalog: deps.catalog,
    claimCheck: deps.claimCheck,
    defaultPool: deps.defaultPool,
    barrier: async () => await deps.view.barrier(),
    executorsOf: (pool) => deps.presence.liveIn('executor', pool).length,
    accountOf: (topic) => {
      const name = accountOfInbox(topic);
      return name === null ? null : accounts.account(name);
    },
  });
  const outputsOf = (arrival: Arrival, { step, outcome }: PipelineEnd<never, Placement>): readonly OutRecord[] => {
    switch (outcome.kind) {
      case 'forward':
        return [requestOutput(codec, outcome.output)];
      case 'park':
        return [deadOutput(arrival, { reason: outcome.reason, code: outcome.code, step }, clock.nowMs())];
      case 'retry':
        return [
          retryOutput(
            arrival,
            { reason: outcome.reason, code: outcome.code, step, afterMs: outcome.afterMs },
            clock.nowMs(),
          ),
        ];
      case 'drop':
      case 'next':
        return [];
    }
  };
  const toArrival = (record: InRecord): Arrival => arrivalOf(record, delayOf.has(record.topic));
  const lanes = createOrderedLanes<Delivery>({
    width,
    // Nearly every record is decided about at once: only those are waited for that are not.
    run: (delivery) => {
      const arrival = toArrival(delivery.record);
      const end = pipeline.run(arrival);
      return end instanceof Promise
        ? end.then((late) => settleLive(delivery, outputsOf(arrival, late)))
        : settleLive(delivery, outputsOf(arrival, end));
    },
    onFailed: (error) => {
      logger.error({ event: 'router.failed', error: asPlatformError(error).message });
      deps.onFailed(asPlatformError(error));
    },
  });
  const poisoned = {
    reason: 'two routers ended while they worked on this record',
    step: 'router.inbox',
    code: 'ROUTER_POISON',
  };
  return { lanes, poison: (record) => deadOutput(toArrival(record), poisoned, clock.nowMs()) };
};

/** Holds records of the retry topics until they are due; they come in the order in which they are. */
const createWaitingRoom = (clock: Clock, due: (delivery: Delivery) => void) => {
  const waiting = new Map<Delivery, () => void>();
  return {
    take: (delivery: Delivery): void => {
      const { record } = delivery;
      const dueAtMs = record.timestampMs + (delayOf.get(record.topic) ?? 0);
      const cancel = clock.after(Math.max(0, dueAtMs - clock.nowMs()), () => {
        waiting.delete(delivery);
        due(delivery);
      });
      waiting.set(delivery, cancel);
    },
    giveBack: (generation: number): void => {
      for (const [delivery, cancel] of waiting) {
        if (delivery.generation !== generation) continue;
        cancel();
        waiting.delete(delivery);
        delivery.giveBack();
      }
    },
  };
};

interface Subscription {
  readonly group: string;
  readonly topics: readonly Topic[];
  readonly onDelivery: (delivery: Delivery) => void;
  readonly onReleased: (generation: number) => void;
}

const subscribe = async (
  deps: RouterDeps,
  poison: (record: InRecord) => OutRecord,
  subscription: Subscription,
): Promise<WorkConsumer> =>
  await createWorkConsumer({
    messaging: deps.messaging,
    clock: deps.clock,
    logger: deps.logger,
    isolation: 'committed',
    mode: { kind: 'append', name: subscription.group, everyMs: 50 },
    inFlightMax,
    onPoison: (record) => [poison(record)],
    onFailed: deps.onFailed,
    ...subscription,
  });

/** Keeps one consumer on the inboxes that exist: an account that gets topics makes it join anew with all of them. */
const createInboxes = (deps: RouterDeps, open: (topics: readonly Topic[]) => Promise<WorkConsumer>) => {
  const names = new Set<string>();
  let consumer: WorkConsumer | null = null;
  let stopped = false;
  let stale = false;
  let changing: Promise<void> | null = null;
  const rejoin = async (): Promise<void> => {
    while (stale && !stopped) {
      stale = false;
      await consumer?.close();
      consumer = null;
      if (names.size > 0) consumer = await open([...names].sort().map((name) => inboxTopic(accountNameOf(name))));
    }
  };
  const changed = (): void => {
    stale = true;
    changing ??= rejoin()
      .catch((error: unknown) => deps.onFailed(asPlatformError(error)))
      .finally(() => {
        changing = null;
        if (stale && !stopped) changed();
      });
  };
  const take = (after: Account | undefined, id: string): void => {
    const has = after !== undefined && after.topics !== null;
    if (has === names.has(id)) return;
    if (has) names.add(id);
    else names.delete(id);
    changed();
  };
  return {
    start: () => deps.view.watch(accountKind, ({ id, after }) => take(after, id)),
    stop: async () => {
      stopped = true;
      await changing;
      await consumer?.close();
    },
    inFlight: () => consumer?.inFlight ?? 0,
  };
};

/** Makes the router; nothing is read before `start`. */
export const createRouter = (deps: RouterDeps): Router => {
  const { lanes, poison } = createHandling(deps);
  const toLanes = (delivery: Delivery): void => lanes.offer(laneOf(delivery), delivery);
  const giveBack = (generation: number): void => {
    for (const delivery of lanes.remove((each) => each.generation === generation)) delivery.giveBack();
  };
  const waitingRoom = createWaitingRoom(deps.clock, toLanes);
  const inboxes = createInboxes(
    deps,
    async (topics) =>
      await subscribe(deps, poison, { group: 'router', topics, onDelivery: toLanes, onReleased: giveBack }),
  );
  let retries: WorkConsumer | null = null;
  return {
    start: async () => {
      retries = await subscribe(deps, poison, {
        group: 'router-retries',
        topics: retryDelays.map(({ name }) => retryTopic(name)),
        onDelivery: (delivery) => waitingRoom.take(delivery),
        onReleased: (generation) => {
          waitingRoom.giveBack(generation);
          giveBack(generation);
        },
      });
      inboxes.start();
    },
    stop: async () => {
      await Promise.all([inboxes.stop(), retries?.close()]);
    },
    get inFlight() {
      return inboxes.inFlight() + (retries?.inFlight ?? 0);
    },
  };
};
