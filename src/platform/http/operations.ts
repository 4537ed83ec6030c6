import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';
import type { Component } from '../lifecycle/supervisor.ts';
import { type Metrics, metricsContentType } from '../telemetry/metrics.ts';
import { listen } from './listen.ts';

/** One condition of being ready. */
export interface ReadinessCheck {
  readonly name: string;
  /** Resolves when all is well; rejects, or gives a text, to say what is wrong. Runs concurrently with others. */
  check(): Promise<string | undefined> | string | undefined;
}

export interface OperationsOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly checks: readonly ReadinessCheck[];
  readonly clock: Clock;
  /** A check that takes longer counts as failed. Default 2,000. */
  readonly checkTimeoutMs?: number;
}

/**
 * `GET /healthz` (200 while the process answers), `GET /readyz` (200, or 503 with the failing checks) and `GET /metrics`.
 * For the operator only: not authenticated, so its host is the loopback address or a private network.
 */
export interface OperationsListener extends Component {
  /** The port that was opened; 0 before `start`. */
  port(): number;
}

interface FailedCheck {
  readonly name: string;
  readonly problem: string;
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
};

const runCheck = async (check: ReadinessCheck, clock: Clock, timeoutMs: number): Promise<FailedCheck | undefined> => {
  let cancel = (): void => {};
  const late = new Promise<string>((resolve) => {
    cancel = clock.after(timeoutMs, () => {
      resolve(`no answer within ${timeoutMs} ms`);
    });
  });
  try {
    const problem = await Promise.race([check.check(), late]);
    return problem === undefined ? undefined : { name: check.name, problem };
  } catch (error) {
    return { name: check.name, problem: error instanceof Error ? error.message : String(error) };
  } finally {
    cancel();
  }
};

const answerReady = async (options: OperationsOptions, response: ServerResponse): Promise<void> => {
  const timeoutMs = options.checkTimeoutMs ?? 2_000;
  const results = await Promise.all(options.checks.map((check) => runCheck(check, options.clock, timeoutMs)));
  const failing = results.filter((result) => result !== undefined);
  json(response, failing.length === 0 ? 200 : 503, { ready: failing.length === 0, failing });
};

const answerMetrics = async (options: OperationsOptions, response: ServerResponse): Promise<void> => {
  const text = await options.metrics.text();
  response.writeHead(200, { 'content-type': metricsContentType });
  response.end(text);
};

const answer = async (
  options: OperationsOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const path = request.url?.split('?')[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') json(response, 405, { error: 'only GET' });
  else if (path === '/healthz') json(response, 200, { healthy: true });
  else if (path === '/readyz') await answerReady(options, response);
  else if (path === '/metrics') await answerMetrics(options, response);
  else json(response, 404, { error: 'there are /healthz, /readyz and /metrics' });
};

const close = async (server: Server): Promise<void> => {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
};

/** Makes the listener; nothing is open before `start`, which throws `HTTP_PORT_TAKEN` or `HTTP_ADDRESS_REFUSED`. */
export const createOperationsListener = (options: OperationsOptions): OperationsListener => {
  let port = 0;
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else json(response, 500, { error: error instanceof Error ? error.message : String(error) });
    });
  });
  return {
    name: 'operations',
    port: () => port,
    start: async () => {
      port = await listen(server, { host: options.host, port: options.port, variable: 'MILLRACE_OPERATIONS_PORT' });
    },
    stop: async () => {
      await close(server);
    },
  };
};
