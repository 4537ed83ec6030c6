import { Type } from 'typebox';
import type { Accounts } from '../../accounts/accounts.ts';
import type { Presence } from '../../kernel/contracts/contracts.gen.ts';
import { accountNameOf } from '../../kernel/ids.ts';
import {
  inboxTopic,
  nestedTopic,
  platformTopics,
  requestsTopic,
  retryDelays,
  retryTopic,
  type Topic,
  topics,
} from '../../kernel/topics.ts';
import type { Messaging } from '../../messaging/messaging.ts';
import type { PresenceView } from '../../messaging/presence.ts';
import type { Access } from '../http/access.ts';
import type { HttpApp } from '../http/type-provider.ts';
import type { BrokerAddress } from '../ingress.ts';
import type { Pulse } from '../pulse.ts';

export interface StatusRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly messaging: Messaging;
  readonly presence: PresenceView;
  readonly pulse: Pulse;
  readonly broker: BrokerAddress;
  readonly pools: readonly string[];
}

const ProcessObject = Type.Object({
  process: Type.String(),
  roles: Type.Array(Type.String()),
  started_at: Type.String(),
  pool: Type.Union([Type.String(), Type.Null()]),
  slots: Type.Number(),
  busy: Type.Number(),
  warm: Type.Number(),
  queued: Type.Number(),
  memory_bytes: Type.Number(),
  endpoint: Type.Union([Type.String(), Type.Null()]),
  last_error: Type.Union([Type.String(), Type.Null()]),
});
const LagObject = Type.Object({ group: Type.String(), topic: Type.String(), records: Type.Number() });
const MismatchObject = Type.Object({
  topic: Type.String(),
  property: Type.String(),
  declared: Type.String(),
  actual: Type.String(),
});
const StatusObject = Type.Object({
  broker: Type.Object({ brokers: Type.Array(Type.String()), reachable: Type.Boolean() }),
  processes: Type.Array(ProcessObject),
  pools: Type.Array(
    Type.Object({
      pool: Type.String(),
      executors: Type.Number(),
      slots: Type.Number(),
      busy: Type.Number(),
      queued: Type.Number(),
    }),
  ),
  lag: Type.Array(LagObject),
  mismatches: Type.Array(MismatchObject),
});

const reachableWithinMs = 6_000;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const toHttp = (each: Presence): Type.Static<typeof ProcessObject> => ({
  process: each.process,
  roles: [...each.roles],
  started_at: new Date(each.startedAtMs).toISOString(),
  pool: each.pool,
  slots: each.slots,
  busy: each.busy,
  warm: sum(Object.values(each.warm)),
  queued: each.queued,
  memory_bytes: each.memoryBytes,
  endpoint: each.endpoint,
  last_error: each.lastError,
});

/** `GET /v1/status`: what runs and how far behind it is; for administrators. */
export const statusRoutes = (app: HttpApp, deps: StatusRoutesDeps): void => {
  const { access, accounts, messaging, presence } = deps;

  /** The groups of the platform's programs, by what they read. */
  const groups = (): readonly (readonly [group: string, topic: Topic])[] => {
    const all = [...accounts.list('user'), ...accounts.list('organisation')];
    return [
      ['control', topics.commands],
      ['builder', topics.builds],
      ...deps.pools.map((pool) => [`executors.${pool}`, requestsTopic(pool)] as const),
      ...deps.pools.map((pool) => [`executors.${pool}`, nestedTopic(pool)] as const),
      ...all
        .filter((account) => account.topics !== null)
        .map((account) => ['router', inboxTopic(accountNameOf(account.name))] as const),
      ...retryDelays.map((delay) => ['router-retries', retryTopic(delay.name)] as const),
    ];
  };
  const lagOf = async (group: string, topic: Topic): Promise<Type.Static<typeof LagObject> | null> => {
    try {
      const lag = await messaging.admin.lag(group, topic);
      return { group, topic: topic.name, records: sum(lag.map(Number)) };
    } catch {
      // A topic that nobody made yet, or a broker that is away: the rest of the picture is still worth showing.
      return null;
    }
  };
  const poolOf = (pool: string) => {
    const executors = presence.liveIn('executor', pool);
    return {
      pool,
      executors: executors.length,
      slots: sum(executors.map((each) => each.slots)),
      busy: sum(executors.map((each) => each.busy)),
      queued: sum(executors.map((each) => each.queued)),
    };
  };

  app.get('/v1/status', { schema: { response: { 200: StatusObject } } }, async (request) => {
    await access.admin(request, 'status.read');
    const lag = await Promise.all(groups().map(async ([group, topic]) => await lagOf(group, topic)));
    const mismatches = await messaging.admin.ensureTopics(platformTopics(deps.pools));
    return {
      broker: { brokers: [...deps.broker.brokers], reachable: deps.pulse.ageMs() <= reachableWithinMs },
      processes: presence.live().map(toHttp),
      pools: deps.pools.map(poolOf),
      lag: lag.filter((each) => each !== null),
      mismatches: mismatches.map((each) => ({ ...each })),
    };
  });
};
