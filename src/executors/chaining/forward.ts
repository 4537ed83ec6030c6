import { Agent, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, request as send } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type RunTokens, runScheme } from '../../accounts/run-token.ts';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Random } from '../../kernel/random.ts';
import { refuse } from '../endpoint/respond.ts';
import { type ChainedRun, claimsOf, traceparentOf } from './run-identity.ts';

export interface ForwarderDeps {
  readonly tokens: RunTokens;
  /** Address of the HTTP API; null while none is known. */
  ingressUrl(): string | null;
  readonly clock: Clock;
  readonly random: Random;
  /** Name of this process. */
  readonly process: string;
  /** Partitions of nested calls that are owned now. */
  partitions(): readonly number[];
}

/** Hands requests of running calls to ingress. */
export interface Forwarder {
  /**
   * Passes the request on in the name of the run and its answer back, both as streams. Resolves when that is over,
   * however it ended; `signal` cuts it.
   */
  forward(run: ChainedRun, exchange: Exchange): Promise<void>;
  /** Closes the connections. */
  close(): void;
}

/** What a running call needs to call others. */
export interface Chaining {
  readonly run: ChainedRun;
  readonly forwarder: Forwarder;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

/** The exchange failed: told while an answer can still be given, else the connection ends. */
export const tellFailure = ({ request, response, signal }: Exchange, message: string): void => {
  if (response.headersSent || response.destroyed || signal.aborted) {
    response.destroy();
    return;
  }
  request.resume();
  refuse(response, 503, message);
};

/** What passes; whatever else the sandbox says stays here. */
const requestHeaders = ['content-type', 'content-length', 'accept', 'idempotency-key'] as const;
const answerHeaders = ['content-type', 'content-length', 'x-request-id', 'retry-after'] as const;

const pick = (from: IncomingMessage, names: readonly string[]): OutgoingHttpHeaders =>
  Object.fromEntries(names.flatMap((name) => (from.headers[name] === undefined ? [] : [[name, from.headers[name]]])));

/** A key that the author put into the code is used as it is: the call is that key's, as from anywhere else. */
const ownKey = (request: IncomingMessage): string | null => {
  const text = request.headers.authorization?.trim() ?? '';
  return text === '' || text.toLowerCase().startsWith(runScheme.toLowerCase().trim()) ? null : text;
};

const answered = async (outgoing: ReturnType<typeof send>, request: IncomingMessage): Promise<IncomingMessage> =>
  await new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    // The answer may come before the whole request went: then the rest of it is of no interest.
    request.once('error', reject);
    request.pipe(outgoing);
  });

/** Makes the forwarder of an executor; its sandboxes share the connections. */
export const createForwarder = (deps: ForwarderDeps): Forwarder => {
  const { tokens, clock, random, process } = deps;
  const agent = new Agent({ keepAlive: true });

  const authorizationOf = (run: ChainedRun): string => {
    const id = random.uuid();
    const validUntilMs = Math.round(clock.nowMs()) + limits.runTokenValidMs;
    const claims = claimsOf(run, { id, validUntilMs, executor: process, partitions: [...deps.partitions()] });
    return runScheme + tokens.sign(claims);
  };
  const pass = async (run: ChainedRun, base: string, { request, response, signal }: Exchange): Promise<void> => {
    const { protocol, hostname, port, pathname } = new URL(base);
    const outgoing = send({
      agent,
      protocol,
      hostname,
      port,
      method: 'POST',
      // As it came: nothing in it is resolved here.
      path: `${pathname === '/' ? '' : pathname}${request.url ?? ''}`,
      headers: {
        ...pick(request, requestHeaders),
        authorization: ownKey(request) ?? authorizationOf(run),
        traceparent: traceparentOf(run),
      },
      signal,
    });
    response.once('close', () => outgoing.destroy());
    const answer = await answered(outgoing, request);
    response.writeHead(answer.statusCode ?? 502, pick(answer, answerHeaders));
    await pipeline(answer, response);
  };

  return {
    forward: async (run, exchange) => {
      const { request, response } = exchange;
      const base = deps.ingressUrl();
      if (base === null) {
        request.resume();
        refuse(response, 501, 'Calls of other algorithms are not set up here: MILLRACE_INGRESS_URL is not set.');
        return;
      }
      try {
        await pass(run, base, exchange);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        tellFailure(exchange, `The platform's API does not answer: ${reason}. Try again.`);
      }
    },
    close: () => {
      agent.destroy();
    },
  };
};
