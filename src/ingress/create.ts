import type { AddressInfo } from 'node:net';
import { repliesPartitions } from '../kernel/topics.ts';
import type { Appender, OwnReader } from '../messaging/messaging.ts';
import { followResults } from './answers/follow-results.ts';
import { createMemoryAnswers } from './answers/memory.ts';
import { createRecordReader } from './answers/read-place.ts';
import { createAuditTrail } from './audit-trail.ts';
import { createAdmission } from './call/admission.ts';
import { createCallDoor } from './call/call-door.ts';
import { createCallMetrics } from './call/call-metrics.ts';
import { createCallPublisher } from './call/publish-call.ts';
import { createCallResolver } from './call/resolve-call.ts';
import { createStoredResults } from './call/stored-answer.ts';
import { createAccess } from './http/access.ts';
import { createHttpApp } from './http/app.ts';
import { createAuthenticator } from './http/authenticate.ts';
import { createCommandDoor } from './http/command-door.ts';
import type { HttpApp } from './http/type-provider.ts';
import type { Ingress, IngressDeps } from './ingress.ts';
import { createBuildWatch } from './logs/await-build.ts';
import { createDeadLetters } from './logs/dead-letters.ts';
import { createLogStreams } from './logs/log-stream.ts';
import { createPulse } from './pulse.ts';
import { createReadiness } from './readiness.ts';
import { openReplyReader } from './replies/reply-reader.ts';
import { createWaitingCalls } from './replies/waiting.ts';
import { algorithmRoutes } from './routes/algorithms.ts';
import { buildRoutes } from './routes/builds.ts';
import { deadRoutes } from './routes/dead.ts';
import { healthRoutes } from './routes/health.ts';
import { logRoutes } from './routes/logs.ts';
import { organizationRoutes } from './routes/organizations.ts';
import { registryRoutes } from './routes/registry.ts';
import { requestRoutes } from './routes/requests.ts';
import { sourceRoutes } from './routes/source.ts';
import { statusRoutes } from './routes/status.ts';
import { topicRoutes } from './routes/topics.ts';
import { userRoutes } from './routes/users.ts';
import { versionRoutes } from './routes/versions.ts';

const sweepEveryMs = 100;
const drainMs = 10_000;
const queuedAnswersMax = 100_000;
const readBackMax = 50_000;

/** What both the call path and the routes need. */
const createParts = (deps: IngressDeps, appender: Appender, replyPartition: number) => {
  const { messaging, codec, accounts, catalog, view, presence, clock, random, logger, config } = deps;
  const waiting = createWaitingCalls();
  const answers = createMemoryAnswers({ clock, finishedMax: config.MILLRACE_ANSWERS_MAX, queuedMax: queuedAnswersMax });
  const records = createRecordReader(messaging, clock);
  const audit = createAuditTrail({ appender, codec, clock, random, logger });
  const authenticator = createAuthenticator(accounts, view);
  const admission = createAdmission({
    presence,
    clock,
    waitingMax: config.MILLRACE_CALLS_WAITING_MAX,
    callsPerAccountMax: config.MILLRACE_CALLS_PER_ACCOUNT_MAX,
  });
  const stored = createStoredResults(records, codec, deps.claimCheck);
  const calls = createCallDoor({
    accounts,
    authenticator,
    resolver: createCallResolver({ accounts, catalog, view }),
    admission,
    waiting,
    answers,
    stored,
    publisher: createCallPublisher(appender, codec, deps.claimCheck),
    audit,
    metrics: createCallMetrics(deps.metrics, () => waiting.size),
    clock,
    random,
    logger,
    replyPartition,
    defaultPool: deps.pools[0] ?? 'cpu',
  });
  const access = createAccess({ accounts, catalog, view, authenticator, audit });
  return { waiting, answers, records, audit, stored, calls, access };
};
type Parts = ReturnType<typeof createParts>;

/** Builds the facade; nothing is opened before `start`. */
export const createIngress = (deps: IngressDeps): Ingress => {
  const { messaging, clock, logger, config, random } = deps;
  const pulse = createPulse(messaging, clock);
  let reading = false;
  const readiness = createReadiness({
    view: deps.view,
    presence: deps.presence,
    pulse,
    pools: deps.pools,
    replyReaderAlive: () => reading,
  });
  let address = '';
  let stopping: Promise<void> | null = null;
  /** In the order of opening; closed in reverse. */
  const opened: (() => Promise<void> | void)[] = [];

  const fail = (error: Error): void => {
    reading = false;
    deps.onFailed(error);
  };

  const mount = (app: HttpApp, parts: Parts, appender: Appender): void => {
    const { access } = parts;
    const commands = createCommandDoor(deps.commands);
    const logs = createLogStreams(messaging, deps.codec);
    const builds = createBuildWatch(deps.view, clock);
    const letters = createDeadLetters(messaging, parts.records);
    healthRoutes(app, readiness, deps.metrics);
    registryRoutes(app, deps.registry);
    requestRoutes(app, { ...deps, ...parts });
    algorithmRoutes(app, { ...deps, access, commands });
    sourceRoutes(app, { access, git: deps.git, audit: parts.audit });
    buildRoutes(app, {
      ...deps,
      access,
      commands,
      builds,
      logs,
      buildTimeoutMs: config.MILLRACE_BUILD_TIMEOUT_S * 1000,
    });
    versionRoutes(app, { ...deps, access, commands });
    userRoutes(app, { ...deps, access, commands });
    organizationRoutes(app, { ...deps, access, commands });
    logRoutes(app, { access, logs });
    topicRoutes(app, { ...deps, access, commands });
    deadRoutes(app, { ...deps, access, letters, appender, audit: parts.audit });
    statusRoutes(app, { ...deps, access, pulse });
  };

  const openReaders = async (parts: Parts, partition: number): Promise<void> => {
    const { waiting, answers } = parts;
    const reader: OwnReader = await openReplyReader({
      messaging,
      codec: deps.codec,
      waiting,
      logger,
      partition,
      isAwaited: answers.isQueued,
      onSeen: (id, { account, idempotencyKey }, place) => {
        answers.finish(id, place, idempotencyKey === null ? null : { account, idempotencyKey });
      },
      onFailed: (error) => {
        waiting.giveUp();
        fail(error);
      },
    });
    reading = true;
    opened.push(async () => await reader.close());
    const follower = await followResults({
      messaging,
      codec: deps.codec,
      clock,
      answers,
      ownPartition: partition,
      readBackMax,
      onFailed: fail,
    });
    opened.push(follower.close);
  };

  const sweep = (parts: Parts): void => {
    let cancel = (): void => {};
    const tick = (): void => {
      parts.waiting.expire(clock.monotonicMs());
      cancel = clock.after(sweepEveryMs, tick);
    };
    tick();
    opened.push(() => {
      cancel();
    });
  };

  const listen = async (app: HttpApp, parts: Parts): Promise<void> => {
    await app.listen({ host: config.MILLRACE_HTTP_HOST, port: config.MILLRACE_HTTP_PORT });
    // `as`: a TCP server's address is never a pipe's name.
    const { port } = app.server.address() as AddressInfo;
    address = `http://${config.MILLRACE_HTTP_HOST}:${port}`;
    opened.push(async () => {
      app.server.close();
      await drained(parts);
      parts.waiting.giveUp();
      await app.close();
    });
  };
  /** Waits until no call waits, for ten seconds at most. */
  const drained = async (parts: Parts): Promise<void> => {
    const untilMs = clock.monotonicMs() + drainMs;
    while (parts.waiting.size > 0 && clock.monotonicMs() < untilMs) {
      await new Promise<void>((resolve) => void clock.after(20, resolve));
    }
  };

  const close = async (): Promise<void> => {
    reading = false;
    for (let each = opened.pop(); each !== undefined; each = opened.pop()) await each();
  };
  return {
    start: async () => {
      try {
        const appender = await messaging.appender({ name: 'ingress' });
        opened.push(async () => await appender.close());
        const partition = random.below(repliesPartitions);
        const parts = createParts(deps, appender, partition);
        await openReaders(parts, partition);
        sweep(parts);
        pulse.start();
        opened.push(pulse.stop);
        const requestTimeoutMs = config.MILLRACE_REQUEST_TIMEOUT_S * 1000;
        const app = createHttpApp({ calls: parts.calls, logger, random, requestTimeoutMs });
        mount(app, parts, appender);
        await listen(app, parts);
      } catch (error) {
        await close();
        throw error;
      }
      logger.info({ event: 'ingress.listening', address });
    },
    stop: async () => {
      stopping ??= close();
      await stopping;
    },
    get address() {
      return address;
    },
    get ready() {
      return reading && readiness.ready;
    },
  };
};
