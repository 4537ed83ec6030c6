import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { refuse } from '../endpoint/respond.ts';
import { type Exchange, type Forwarder, tellFailure } from './forward.ts';

/** A platform, and an API key of somebody there. */
export interface PlatformAccess {
  /** Without a slash at its end. */
  readonly address: string;
  readonly key: string;
}

const requestHeaders = ['content-type', 'accept', 'idempotency-key'] as const;
const answerHeaders = ['content-type', 'x-request-id', 'retry-after'] as const;

const absent =
  'Other algorithms cannot be called from a local run: set MILLRACE_API and MILLRACE_API_KEY to a platform that has them.';

const pass = async ({ address, key }: PlatformAccess, { request, response, signal }: Exchange): Promise<void> => {
  const headers: Record<string, string> = { authorization: `Simple ${key}` };
  for (const name of requestHeaders) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  const answer = await fetch(`${address}${request.url ?? ''}`, {
    method: 'POST',
    headers,
    body: await buffer(request),
    signal,
  });
  for (const name of answerHeaders) {
    const value = answer.headers.get(name);
    if (value !== null) response.setHeader(name, value);
  }
  response.writeHead(answer.status);
  if (answer.body === null) response.end();
  else await pipeline(Readable.fromWeb(answer.body), response);
};

/** Hands the calls of a local run to a platform in the name of a key; null: refuses them, and says what to set. */
export const createKeyForwarder = (platform: PlatformAccess | null): Forwarder => ({
  forward: async (_run, exchange) => {
    const { request, response } = exchange;
    if (platform === null) {
      request.resume();
      refuse(response, 501, absent);
      return;
    }
    try {
      await pass(platform, exchange);
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      tellFailure(exchange, `${platform.address} does not answer: ${reason}.`);
    }
  },
  close: () => {
    // Connections belong to the process.
  },
});
