import { limits } from '../kernel/limits.ts';
import type { Appender } from '../messaging/messaging.ts';
import { createMemoryAnswers } from './answers/memory.ts';
import { createRecordReader } from './answers/read-place.ts';
import { createRedisAnswers } from './answers/redis.ts';
import { createAuditTrail } from './audit-trail.ts';
import { createCallReader } from './call/accept-call.ts';
import { createAdmission } from './call/admission.ts';
import { type CallDoor, createCallDoor } from './call/call-door.ts';
import { createCallMetrics } from './call/call-metrics.ts';
import { createCallTrees } from './call/call-trees.ts';
import { createKeptCalls } from './call/keyed-calls.ts';
import { createNestedCalls } from './call/nested-call.ts';
import { createCallPublisher } from './call/publish-call.ts';
import { createCallResolver } from './call/resolve-call.ts';
import { createCallRunner } from './call/run-call.ts';
import { createStoredResults } from './call/stored-answer.ts';
import { createAccess } from './http/access.ts';
import { createAuthenticator } from './http/authenticate.ts';
import type { IngressDeps } from './ingress.ts';
import { createMemoryPlaces } from './places/memory.ts';
import { createRedisPlaces } from './places/redis.ts';
import { createWaitingCalls } from './replies/waiting.ts';

const queuedAnswersMax = 100_000;

/** What is kept of calls by this ingress alone, or by all that share a Redis. */
const createCounts = (deps: IngressDeps) => {
  const { redis, clock, logger, config } = deps;
  const max = config.MILLRACE_CALLS_PER_ACCOUNT_MAX;
  const nestedMax = max * limits.childrenAtOnceMax;
  if (redis === null) {
    const finishedMax = config.MILLRACE_ANSWERS_MAX;
    return {
      answers: createMemoryAnswers({ clock, finishedMax, queuedMax: queuedAnswersMax }),
      places: createMemoryPlaces({ max }),
      nestedPlaces: createMemoryPlaces({ max: nestedMax }),
    };
  }
  const own = { redis, clock, logger, replica: deps.process };
  const onLost = (error: Error): void => {
    deps.onFailed(error);
  };
  return {
    answers: createRedisAnswers({ redis, clock, queuedMax: queuedAnswersMax, onLost }),
    places: createRedisPlaces({ ...own, max, counted: 'places' }),
    nestedPlaces: createRedisPlaces({ ...own, max: nestedMax, counted: 'nested-places' }),
  };
};

/** What the call path and the routes share. */
export const createSharedParts = (deps: IngressDeps, appender: Appender) => {
  const { messaging, codec, accounts, catalog, view, clock, random, logger } = deps;
  const records = createRecordReader(messaging, clock);
  const audit = createAuditTrail({ appender, codec, clock, random, logger });
  const authenticator = createAuthenticator(accounts, view);
  return {
    appender,
    records,
    audit,
    authenticator,
    waiting: createWaitingCalls(),
    trees: createCallTrees(clock),
    ...createCounts(deps),
    stored: createStoredResults(records, codec, deps.claimCheck),
    access: createAccess({ accounts, catalog, view, authenticator, audit }),
  };
};
export type SharedParts = ReturnType<typeof createSharedParts>;

/** The call path over them. */
export const createCalls = (deps: IngressDeps, parts: SharedParts, replyPartition: number): CallDoor => {
  const { accounts, catalog, view, clock, random, logger, config } = deps;
  const { waiting, stored, audit, authenticator, trees } = parts;
  const metrics = createCallMetrics(deps.metrics, () => waiting.size);
  const resolver = createCallResolver({ accounts, catalog, view });
  const admission = createAdmission({
    presence: deps.presence,
    clock,
    waitingMax: config.MILLRACE_CALLS_WAITING_MAX,
    places: parts.places,
    nestedPlaces: parts.nestedPlaces,
  });
  const runner = createCallRunner({
    accounts,
    admission,
    waiting,
    stored,
    publisher: createCallPublisher(parts.appender, deps.codec, deps.claimCheck),
    metrics,
    trees,
    clock,
    replyPartition,
    defaultPool: deps.pools[0] ?? 'cpu',
  });
  const kept = createKeptCalls(parts.answers, stored);
  const anonymousKey = config.MILLRACE_ANONYMOUS_CALL_KEY?.reveal() ?? null;
  const callers = anonymousKey === null ? authenticator : createAuthenticator(accounts, view, anonymousKey);
  const nestedCalls = createNestedCalls({ tokens: deps.runTokens, accounts, catalog, view, clock });
  const accept = createCallReader({ authenticator: callers, nestedCalls, resolver, audit, clock, random });
  return createCallDoor({ accept, kept, runner, metrics, logger });
};
