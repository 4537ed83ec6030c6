import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

/** One HTTP request of the load and what its caller saw. */
export interface LoadCall {
  /** Distinct; stands in the body. */
  readonly id: string;
  readonly path: string;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  /** HTTP status; null when the connection broke. */
  readonly status: number | null;
  /** The platform's id of an acknowledged request. */
  readonly requestId: string | null;
  /** What was answered; the reason when the connection broke. */
  readonly text: string;
}

export interface LoadOptions {
  readonly address: string;
  readonly authorization: string;
  /** Paths of calls; each has as many callers. */
  readonly paths: readonly string[];
  readonly callersPerPath: number;
}

/** Callers that each have one request under way, until told to stop. Nothing is retried. */
export interface Load {
  /** Ended so far. */
  readonly calls: readonly LoadCall[];
  /** Requests that wait for their answer now. */
  readonly waiting: number;
  /** Resolves when so many more calls were answered 200. */
  answered(more: number): Promise<void>;
  /** Lets what is under way end, then gives every call. */
  stop(): Promise<readonly LoadCall[]>;
}

const refusedPauseMs = 50;
const patienceMs = 60_000;

let loads = 0;

const requestIdIn = (header: string | string[] | undefined): string | null =>
  typeof header === 'string' ? header : null;

/** Starts the load at once. */
export const startLoad = (options: LoadOptions): Load => {
  const name = `load-${(loads += 1)}`;
  const { authorization, callersPerPath, paths } = options;
  const connections = paths.length * callersPerPath;
  const pool = new Pool(options.address, { connections, pipelining: 1, headersTimeout: patienceMs });
  const calls: LoadCall[] = [];
  let sent = 0;
  let waiting = 0;
  let good = 0;
  let stopping = false;

  const send = async (path: string, id: string): Promise<Pick<LoadCall, 'status' | 'requestId' | 'text'>> => {
    try {
      const headers = { authorization, 'content-type': 'application/json' };
      const response = await pool.request({ method: 'POST', path, headers, body: JSON.stringify({ id }) });
      const text = await response.body.text();
      return { status: response.statusCode, requestId: requestIdIn(response.headers['x-request-id']), text };
    } catch (error) {
      return { status: null, requestId: null, text: error instanceof Error ? error.message : String(error) };
    }
  };
  const caller = async (path: string): Promise<void> => {
    while (!stopping) {
      const id = `${name}-${(sent += 1)}`;
      const sentAtMs = performance.now();
      waiting += 1;
      const answer = await send(path, id);
      waiting -= 1;
      calls.push({ id, path, sentAtMs, endedAtMs: performance.now(), ...answer });
      if (answer.status === 200) good += 1;
      else await delay(refusedPauseMs);
    }
  };
  const callers = Promise.all(
    paths.flatMap((path) => Array.from({ length: callersPerPath }, async () => await caller(path))),
  );
  return {
    calls,
    get waiting() {
      return waiting;
    },
    answered: async (more) => {
      const target = good + more;
      const deadlineMs = performance.now() + patienceMs;
      while (good < target) {
        if (performance.now() > deadlineMs) {
          throw new Error(`${target - good} of ${more} answers are missing; last: ${JSON.stringify(calls.at(-1))}`);
        }
        await delay(5);
      }
    },
    stop: async () => {
      stopping = true;
      await callers;
      await pool.close();
      return calls;
    },
  };
};
