import type { AddressInfo } from 'node:net';
import { sleep } from '../kernel/clock.ts';
import { repliesPartitions } from '../kernel/topics.ts';
import { toListenError } from '../platform/http/listen.ts';
import { createHttpApp } from './http/app.ts';
import type { HttpApp } from './http/type-provider.ts';
import type { Ingress, IngressDeps } from './ingress.ts';
import { mountRoutes } from './mount-routes.ts';
import { type Opened, openFollower, openReplies, openSweep } from './open-readers.ts';
import { createCalls, createSharedParts, type SharedParts } from './parts.ts';
import { createPulse } from './pulse.ts';
import { createReadiness } from './readiness.ts';

const drainMs = 20_000;
const drainLookEveryMs = 20;

/** Waits until no call waits, for twenty seconds at most. */
const drained = async ({ clock }: IngressDeps, { waiting }: SharedParts): Promise<void> => {
  const untilMs = clock.monotonicMs() + drainMs;
  while (waiting.size > 0 && clock.monotonicMs() < untilMs) await sleep(clock, drainLookEveryMs);
};

/** Listens; closing stops intake, lets the calls that wait end, and then cuts what is left. */
const listen = async (deps: IngressDeps, app: HttpApp, parts: SharedParts): Promise<Opened & { address: string }> => {
  const { MILLRACE_HTTP_HOST: host, MILLRACE_HTTP_PORT: wantedPort } = deps.config;
  try {
    await app.listen({ host, port: wantedPort });
  } catch (error) {
    throw toListenError(error, { host, port: wantedPort, variable: 'MILLRACE_HTTP_PORT' });
  }
  // `as`: a TCP server's address is never a pipe's name.
  const { port } = app.server.address() as AddressInfo;
  return {
    address: `http://${host}:${port}`,
    close: async () => {
      app.server.close();
      await drained(deps, parts);
      parts.waiting.giveUp();
      await app.close();
    },
  };
};

/** Builds the facade; nothing is opened before `start`. */
export const createIngress = (deps: IngressDeps): Ingress => {
  const { messaging, clock, logger, random } = deps;
  const pulse = createPulse(messaging, clock);
  let reading = false;
  let address = '';
  let stopping: Promise<void> | null = null;
  const readiness = createReadiness({ ...deps, pulse, replyReaderAlive: () => reading });
  /** In the order of opening; closed in reverse. */
  const opened: Opened[] = [];
  const onFailed = (error: Error): void => {
    reading = false;
    deps.onFailed(error);
  };

  const open = async (): Promise<void> => {
    const appender = await messaging.appender({ name: 'ingress' });
    const parts = createSharedParts(deps, appender);
    opened.push(appender, parts.places, parts.nestedPlaces, parts.answers);
    const partition = random.below(repliesPartitions);
    opened.push(await openReplies(deps, parts, partition, onFailed));
    reading = true;
    opened.push(await openFollower(deps, parts, partition, onFailed));
    opened.push(openSweep(deps, parts));
    opened.push(pulse.open());
    const calls = createCalls(deps, parts, partition);
    const app = createHttpApp({
      calls,
      logger,
      random,
      requestTimeoutMs: deps.config.MILLRACE_REQUEST_TIMEOUT_S * 1000,
    });
    mountRoutes(app, { deps, parts, readiness, pulse });
    const listening = await listen(deps, app, parts);
    opened.push(listening);
    ({ address } = listening);
  };
  const close = async (): Promise<void> => {
    for (let each = opened.pop(); each !== undefined; each = opened.pop()) await each.close();
    reading = false;
  };

  return {
    start: async () => {
      try {
        await open();
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
