import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Accounts, Caller } from '../../accounts/accounts.ts';
import type { Resolved } from '../../catalog/catalog.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { BodyType } from '../../kernel/contracts/contracts.gen.ts';
import { asPlatformError, type PlatformError } from '../../kernel/errors.ts';
import { type RequestId, requestIdOf } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { Answers, KnownCall } from '../answers/answers.ts';
import type { AuditTrail } from '../audit-trail.ts';
import { ingressErrors } from '../errors.ts';
import type { Authenticator } from '../http/authenticate.ts';
import type { WaitingCalls } from '../replies/waiting.ts';
import type { Admission, Admitted } from './admission.ts';
import { type AnswerView, answerOf, voidAnswer } from './answer.ts';
import { bodyTypeOf, checkBody } from './body-type.ts';
import type { CallMetrics } from './call-metrics.ts';
import { type CallOptions, parseCallOptions } from './call-options.ts';
import { parseCallPath } from './call-target.ts';
import { parkedCall } from './parked-call.ts';
import type { CallPublisher, OutgoingCall } from './publish-call.ts';
import { readBody } from './read-body.ts';
import { algorithmUnknown, type CallResolver, seesSource } from './resolve-call.ts';
import { sendAnswer, sendFailure } from './respond.ts';
import type { StoredResults } from './stored-answer.ts';

export interface CallDoorOptions {
  readonly accounts: Accounts;
  readonly authenticator: Authenticator;
  readonly resolver: CallResolver;
  readonly admission: Admission;
  readonly waiting: WaitingCalls;
  readonly answers: Answers;
  readonly stored: StoredResults;
  readonly publisher: CallPublisher;
  readonly audit: AuditTrail;
  readonly metrics: CallMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Partition of the results topic that this replica reads. */
  readonly replyPartition: number;
  /** Pool of builds that name none. */
  readonly defaultPool: string;
}

/** The hot path: `POST /v1/algo/…` from its first byte to its answer. */
export interface CallDoor {
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** Everything that was found out about a call before it was published. */
interface Call {
  readonly id: RequestId;
  readonly caller: Caller;
  readonly resolved: Resolved;
  readonly options: CallOptions;
  readonly idempotencyKey: string | null;
  readonly contentType: BodyType;
  readonly body: Buffer;
  readonly acceptedAtMs: number;
  readonly startedMs: number;
  readonly traceparent: string | null;
}

/** An executor answers a call at its deadline; its answer is given this long to arrive. */
const answerGraceMs = 1_000;
const idempotencyKeyLengthMax = 255;
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

/** Makes the door; it holds no state of its own. */
export const createCallDoor = (options: CallDoorOptions): CallDoor => {
  const { accounts, admission, answers, clock, waiting } = options;

  const sinceS = (call: Call): number => (clock.monotonicMs() - call.startedMs) / 1000;

  const viewOf = (call: Call): AnswerView => {
    const { algorithm } = call.resolved;
    return {
      output: call.options.output === 'raw' ? 'raw' : 'default',
      source: seesSource(accounts, call.caller, algorithm),
      stdout: call.options.stdout && accounts.belongsTo(call.caller.account.name, algorithm.owner),
      totalS: call.options.timing ? sinceS(call) : null,
    };
  };

  /** Finds out what is asked and by whom, reads the body, and takes a place. */
  const accept = async (request: IncomingMessage): Promise<Call> => {
    const url = request.url ?? '';
    const question = url.indexOf('?');
    const caller = await options.authenticator.authenticate(request.headers.authorization);
    const target = parseCallPath(question === -1 ? url : url.slice(0, question));
    if (target === null) throw algorithmUnknown(url.slice('/v1/algo/'.length).slice(0, 200));
    const callOptions = parseCallOptions(question === -1 ? '' : url.slice(question + 1));
    const resolved = await resolveAudited(caller, target);
    const idempotencyKey = idempotencyKeyOf(request);
    const contentType = bodyTypeOf(request.headers['content-type']);
    const body = await readBody(request, limits.requestBodyBytes);
    checkBody(contentType, body);
    return {
      id: requestIdOf(options.random.uuid()),
      caller,
      resolved,
      options: callOptions,
      idempotencyKey,
      contentType,
      body,
      acceptedAtMs: Math.round(clock.nowMs()),
      startedMs: clock.monotonicMs(),
      traceparent: traceparentOf(request),
    };
  };

  const resolveAudited = async (caller: Caller, target: Parameters<CallResolver['resolve']>[1]): Promise<Resolved> => {
    try {
      return await options.resolver.resolve(caller, target);
    } catch (error) {
      const { kind, message } = asPlatformError(error);
      if (kind === 'forbidden') options.audit.denied(caller, 'call', target.reference, message);
      throw error;
    }
  };

  const outgoing = (call: Call, place: Admitted): OutgoingCall => {
    const isVoid = call.options.output === 'void';
    return {
      id: call.id,
      caller: call.caller,
      resolved: call.resolved,
      place,
      acceptedAtMs: call.acceptedAtMs,
      deadlineMs: call.acceptedAtMs + call.options.timeoutS * 1000,
      contentType: call.contentType,
      body: call.body,
      // Keyed calls answer here even when nobody waits: so only these partitions have to be looked through for keys.
      replyPartition: isVoid && call.idempotencyKey === null ? null : options.replyPartition,
      stored: isVoid,
      idempotencyKey: call.idempotencyKey,
      wantsStdout: call.options.stdout && accounts.belongsTo(call.caller.account.name, call.resolved.algorithm.owner),
      traceparent: call.traceparent,
    };
  };

  /** Publishes a call that waits; the table knows it first, because the answer may be faster than the acknowledgement. */
  const runWaiting = async (call: Call, place: Admitted, response: ServerResponse): Promise<void> => {
    waiting.add(
      parkedCall({
        id: call.id,
        expiresMs: call.startedMs + call.options.timeoutS * 1000 + answerGraceMs,
        response,
        view: () => viewOf(call),
        sinceAcceptedS: () => sinceS(call),
        bodyOf: options.stored.body,
        onEnd: (outcome) => {
          admission.leave(place);
          options.metrics.ended(outcome, sinceS(call));
        },
      }),
    );
    response.on('close', () => {
      if (waiting.take(call.id) === undefined) return;
      admission.leave(place);
      options.metrics.ended('gone', sinceS(call));
    });
    try {
      await options.publisher.publish(outgoing(call, place));
    } catch (error) {
      if (waiting.take(call.id) !== undefined) admission.leave(place);
      throw error;
    }
  };

  const runVoid = async (call: Call, place: Admitted, response: ServerResponse): Promise<void> => {
    try {
      await options.publisher.publish(outgoing(call, place));
    } finally {
      admission.leave(place);
    }
    options.metrics.ended('queued', sinceS(call));
    sendAnswer(response, voidAnswer(call.id), call.id);
  };

  /** A key was used before: its answer when there is one, else 409. */
  const repeat = async (call: Call, earlier: KnownCall, response: ServerResponse): Promise<void> => {
    if (earlier.kind === 'queued') {
      const message = `the call with this Idempotency-Key is still running: it is ${earlier.call.id}`;
      throw ingressErrors.KEY_IN_USE({ message });
    }
    if (call.options.output === 'void') {
      sendAnswer(response, voidAnswer(earlier.id), earlier.id);
      return;
    }
    const result = await options.stored.result(earlier.place);
    if (result === null || result.algorithmId !== call.resolved.algorithm.id) {
      const why = result === null ? 'its answer cannot be read now' : `it was for ${result.algorithm}`;
      throw ingressErrors.KEY_IN_USE({ message: `this Idempotency-Key was used by call ${earlier.id}: ${why}` });
    }
    sendAnswer(response, answerOf(result, await options.stored.body(result), viewOf(call)), earlier.id);
  };

  const remember = async (call: Call): Promise<KnownCall | null> => {
    const { algorithm, build, version } = call.resolved;
    return await answers.begin({
      id: call.id,
      account: call.caller.account.name,
      idempotencyKey: call.idempotencyKey,
      algorithm: `${algorithm.owner}/${algorithm.label}`,
      build: build.hash,
      version: version?.semantic ?? null,
      acceptedAtMs: call.acceptedAtMs,
      deadlineMs: call.acceptedAtMs + call.options.timeoutS * 1000,
    });
  };

  const enter = ({ caller, resolved }: Call): Admitted =>
    admission.enter({
      account: caller.account.name,
      algorithmId: resolved.algorithm.id,
      build: resolved.build.hash,
      pool: resolved.build.run?.pool ?? options.defaultPool,
    });

  const run = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = await accept(request);
    const isVoid = call.options.output === 'void';
    const remembered = isVoid || call.idempotencyKey !== null;
    if (remembered) {
      const earlier = await remember(call);
      if (earlier !== null) {
        await repeat(call, earlier, response);
        return;
      }
    }
    try {
      const place = enter(call);
      await (isVoid ? runVoid(call, place, response) : runWaiting(call, place, response));
    } catch (error) {
      // An unavailable log may have the request all the same: then the key stays taken until the deadline.
      const { code } = asPlatformError(error);
      if (remembered && code !== 'MESSAGING_UNAVAILABLE') await answers.forget(call.id);
      throw error;
    }
  };

  const fail = (response: ServerResponse, error: PlatformError): void => {
    options.metrics.refused();
    if (error.kind === 'internal') options.logger.error({ event: 'call.broken', code: error.code, err: error });
    sendFailure(response, error);
  };

  return {
    handle: (request, response) => {
      run(request, response).catch((error: unknown) => {
        fail(response, asPlatformError(error));
      });
    },
  };
};
