import type { IncomingMessage } from 'node:http';
import type { Caller } from '../../accounts/accounts.ts';
import type { Resolved } from '../../catalog/catalog.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { BodyType } from '../../kernel/contracts/contracts.gen.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import { type RequestId, requestIdOf } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Random } from '../../kernel/random.ts';
import type { AuditTrail } from '../audit-trail.ts';
import { ingressErrors } from '../errors.ts';
import type { Authenticator } from '../http/authenticate.ts';
import { checkBody, requiredBodyType } from './body-type.ts';
import { type CallOptions, parseCallOptions } from './call-options.ts';
import { type CallTarget, callPrefix, parseCallPath } from './call-target.ts';
import { isRunToken, type NestedCall, type NestedCalls } from './nested-call.ts';
import { readBody } from './read-body.ts';
import { algorithmUnknown, type CallResolver } from './resolve-call.ts';

/** A call that is understood and permitted; nothing is decided about its admission yet. */
export interface AcceptedRequest {
  readonly id: RequestId;
  readonly caller: Caller;
  /** Set for a call that a running call made. */
  readonly nested: NestedCall | null;
  readonly resolved: Resolved;
  readonly options: CallOptions;
  readonly idempotencyKey: string | null;
  readonly contentType: BodyType;
  readonly body: Buffer;
  readonly acceptedAtMs: number;
  /** The same moment on the monotonic clock. */
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly traceparent: string | null;
}

export interface AcceptOptions {
  readonly authenticator: Authenticator;
  readonly nestedCalls: NestedCalls;
  readonly resolver: CallResolver;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly random: Random;
}

const idempotencyKeyLengthMax = 255;
const referenceShownMax = 200;
const traceparentPattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

const idempotencyKeyOf = (request: IncomingMessage): string | null => {
  const key = headerOf(request, 'idempotency-key');
  if (key === undefined || key === '') return null;
  if (key.length <= idempotencyKeyLengthMax) return key;
  throw ingressErrors.BAD_REQUEST({ message: `Idempotency-Key is longer than ${idempotencyKeyLengthMax} characters` });
};

const traceparentOf = (request: IncomingMessage): string | null => {
  const text = headerOf(request, 'traceparent');
  return text !== undefined && traceparentPattern.test(text) ? text : null;
};

/** Nobody waits for a nested call when its parent is over, unless nobody waits for it anyway. */
const deadlineOf = (acceptedAtMs: number, { output, timeoutS }: CallOptions, nested: NestedCall | null): number => {
  const ownMs = Math.round(acceptedAtMs + timeoutS * 1000);
  return nested === null || output === 'void' ? ownMs : Math.min(ownMs, nested.deadlineMs);
};

const splitUrl = (url: string): { readonly path: string; readonly query: string } => {
  const question = url.indexOf('?');
  return question === -1 ? { path: url, query: '' } : { path: url.slice(0, question), query: url.slice(question + 1) };
};

const targetOf = (path: string): CallTarget => {
  const target = parseCallPath(path);
  if (target === null) throw algorithmUnknown(path.slice(callPrefix.length).slice(0, referenceShownMax));
  return target;
};

/** Turns an HTTP request into a call. Throws what is wrong with it, before its body is read where possible. */
export const createCallReader = (options: AcceptOptions): ((request: IncomingMessage) => Promise<AcceptedRequest>) => {
  const { clock, audit } = options;

  const resolve = (caller: Caller, target: CallTarget): Resolved | Promise<Resolved> => {
    const denied = (error: unknown): never => {
      const { code, message } = asPlatformError(error);
      if (code === 'INGRESS_CALL_FORBIDDEN') audit.denied(caller, 'call', target.reference, message);
      throw error;
    };
    try {
      const resolved = options.resolver.resolve(caller, target);
      return resolved instanceof Promise ? resolved.catch(denied) : resolved;
    } catch (error) {
      return denied(error);
    }
  };
  // What is there at once is not awaited: that would cost each call a turn of the queue.
  return async (request) => {
    const { authorization } = request.headers;
    const nested = isRunToken(authorization) ? await options.nestedCalls.admit(authorization) : null;
    const calling = nested?.caller ?? options.authenticator.authenticate(authorization, request.socket);
    const caller = calling instanceof Promise ? await calling : calling;
    const { path, query } = splitUrl(request.url ?? '');
    const target = targetOf(path);
    const callOptions = parseCallOptions(query);
    const resolving = resolve(caller, target);
    const resolved = resolving instanceof Promise ? await resolving : resolving;
    const idempotencyKey = idempotencyKeyOf(request);
    const contentType = requiredBodyType(request.headers['content-type']);
    const body = await readBody(request, limits.requestBodyBytes);
    checkBody(contentType, body);
    const acceptedAtMs = Math.round(clock.nowMs());
    return {
      id: requestIdOf(options.random.uuid()),
      caller,
      nested,
      resolved,
      options: callOptions,
      idempotencyKey,
      contentType,
      body,
      acceptedAtMs,
      startedMs: clock.monotonicMs(),
      deadlineMs: deadlineOf(acceptedAtMs, callOptions, nested),
      traceparent: traceparentOf(request),
    };
  };
};
