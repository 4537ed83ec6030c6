import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import Fastify, { type FastifyError, type FastifyRequest } from 'fastify';
import { mediaTypeOf } from '../../catalog/call-body.ts';
import { asPlatformError, PlatformError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { CallDoor } from '../call/call-door.ts';
import { callPrefix } from '../call/call-target.ts';
import { ingressErrors } from '../errors.ts';
import { byIdOwner } from './access.ts';
import { managementFailure } from './error-bodies.ts';
import { retryAfterOf } from './status-of.ts';
import type { HttpApp, TypeBoxProvider } from './type-provider.ts';

export interface HttpAppOptions {
  readonly calls: CallDoor;
  readonly logger: Logger;
  readonly random: Random;
  readonly requestTimeoutMs: number;
}

const headerBytesMax = 16 * 1024;
const headersTimeoutMs = 15_000;
const keepAliveTimeoutMs = 75_000;
const uuidForm = /^\/v1\/algorithms\/([A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12})(?=[/?]|$)/;

/**
 * Calls do not pass through Fastify: for `POST /v1/algo/…` the server hands Node's own request and response to the door.
 * Fastify routing, hooks and reply for the same answer cost as much again as the rest of the request (20,000–34,000
 * against 47,000–52,000 answers a second of one core).
 */
const serverWith =
  (options: HttpAppOptions) =>
  (rest: (request: IncomingMessage, response: ServerResponse) => void): Server => {
    const server = createServer({ maxHeaderSize: headerBytesMax, noDelay: true }, (request, response) => {
      if (request.method === 'POST' && request.url?.startsWith(callPrefix) === true) {
        options.calls.handle(request, response);
      } else rest(request, response);
    });
    server.requestTimeout = options.requestTimeoutMs;
    server.headersTimeout = Math.min(headersTimeoutMs, options.requestTimeoutMs);
    server.keepAliveTimeout = keepAliveTimeoutMs;
    return server;
  };

const fromFastify = (error: FastifyError): PlatformError => {
  if (error.validation !== undefined) {
    return ingressErrors.BAD_REQUEST({ message: `the request is not valid: ${error.message}` });
  }
  if (error.statusCode === 413) {
    return ingressErrors.BODY_TOO_LARGE({ message: 'the request body is larger than this route takes' });
  }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return ingressErrors.BAD_REQUEST({ message: error.message });
  return asPlatformError(error);
};

/** JSON whatever its declared type; forms carry nothing that we read (a client of the vendor sends keys without values). */
const parseBody = (request: FastifyRequest, text: Buffer): unknown => {
  if (text.length === 0) return {};
  if (mediaTypeOf(request.headers['content-type']) === 'application/x-www-form-urlencoded') return {};
  try {
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it does not parse';
    throw ingressErrors.BAD_JSON({ message: `the request body is not JSON: ${why.slice(0, 200)}` });
  }
};

/** The application without routes: server, bodies, error answers. */
export const createHttpApp = (options: HttpAppOptions): HttpApp => {
  const { logger, random } = options;
  const app = Fastify({
    serverFactory: serverWith(options),
    bodyLimit: limits.requestBodyBytes,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    genReqId: () => random.uuid(),
    // The UUID form of an algorithm's path becomes an owner that no account can have, so each route exists once.
    rewriteUrl: (request) => (request.url ?? '/').replace(uuidForm, `/v1/algorithms/${byIdOwner}/$1`),
  }).withTypeProvider<TypeBoxProvider>();

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/gzip', (_request, payload, done) => {
    done(null, payload);
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, parseBody(request, Buffer.isBuffer(body) ? body : Buffer.from(body)));
    } catch (error) {
      done(asPlatformError(error));
    }
  });
  // Requests without any body have none to parse, and yet routes want an object.
  app.addHook('preValidation', async (request) => {
    await Promise.resolve();
    if (request.body === undefined || request.body === null) request.body = {};
  });
  app.setErrorHandler(async (thrown: FastifyError, request, reply) => {
    const error = thrown instanceof PlatformError ? thrown : fromFastify(thrown);
    const { status, body } = managementFailure(error, request.id);
    if (error.kind === 'internal') {
      logger.error({
        event: 'request.broken',
        id: request.id,
        method: request.method,
        url: request.url.slice(0, 200),
        code: error.code,
        err: error,
      });
    }
    const retryAfter = retryAfterOf(status);
    if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
    return await reply
      .code(status)
      .type('application/json')
      .send(Buffer.from(JSON.stringify(body)));
  });
  app.setNotFoundHandler(async (request, reply) => {
    const message = `there is nothing at ${request.method} ${request.url.slice(0, 200)}`;
    const { status, body } = managementFailure(ingressErrors.RESOURCE_UNKNOWN({ message }), request.id);
    return await reply
      .code(status)
      .type('application/json')
      .send(Buffer.from(JSON.stringify(body)));
  });
  return app;
};
