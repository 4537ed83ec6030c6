import type { Caller } from '../../accounts/accounts.ts';
import type { Resolved } from '../../catalog/catalog.ts';
import type { BodyType, Request } from '../../kernel/contracts/contracts.gen.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import type { RequestId } from '../../kernel/ids.ts';
import { nestedTopic, requestsTopic } from '../../kernel/topics.ts';
import type { CheckedBody, ClaimCheck } from '../../messaging/claim-check.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { Appender } from '../../messaging/messaging.ts';
import type { Admitted } from './admission.ts';
import type { NestedCall } from './nested-call.ts';

/** An admitted call, ready to be published. */
export interface OutgoingCall {
  readonly id: RequestId;
  readonly caller: Caller;
  readonly nested: NestedCall | null;
  readonly resolved: Resolved;
  readonly place: Admitted;
  readonly acceptedAtMs: number;
  readonly deadlineMs: number;
  readonly contentType: BodyType;
  readonly body: Buffer;
  readonly replyPartition: number | null;
  readonly stored: boolean;
  readonly idempotencyKey: string | null;
  readonly wantsStdout: boolean;
  readonly traceparent: string | null;
}

const requestOf = (call: OutgoingCall, body: Buffer | null, bodyRef: string | null): Request => {
  const { algorithm, build, version } = call.resolved;
  return {
    algorithmId: algorithm.id,
    algorithm: `${algorithm.owner}/${algorithm.label}`,
    build: build.hash,
    version: version?.semantic ?? null,
    account: call.caller.account.name,
    keyId: call.caller.key.id,
    origin: call.nested === null ? 'rest' : 'child',
    parent: call.nested?.parent ?? null,
    session: call.nested?.session ?? call.id,
    flow: null,
    causation: null,
    replyPartition: call.replyPartition,
    replyAccount: null,
    stored: call.stored,
    idempotencyKey: call.idempotencyKey,
    wantsStdout: call.wantsStdout,
    acceptedAtMs: call.acceptedAtMs,
    contentType: call.contentType,
    body,
    bodyRef,
  };
};

/** Publishes calls. */
export interface CallPublisher {
  /** Tells the sink when the broker has the request, or why not; for large bodies also with the blob store's errors. */
  publish(call: OutgoingCall, sink: PublishSink): void;
}

/** Is told how publishing ended: one of the two, once. */
export interface PublishSink {
  appended(): void;
  failed(error: Error): void;
}

/** Bodies that are too large for a record go to the blob store first. */
export const createCallPublisher = (appender: Appender, codec: Codec, claimCheck: ClaimCheck): CallPublisher => {
  const append = (call: OutgoingCall, { body, bodyRef }: CheckedBody, sink: PublishSink): void => {
    const { pool, nested } = call.place;
    const topic = nested ? nestedTopic(pool) : requestsTopic(pool);
    const record = codec.encode(topic, requestOf(call, body, bodyRef), {
      key: call.place.lane,
      partition: call.place.partition,
      id: call.id,
      attempt: 1,
      deadlineMs: call.deadlineMs,
      ...(call.traceparent === null ? {} : { traceparent: call.traceparent }),
      ...(call.nested === null ? {} : { chain: call.nested.chain.join(',') }),
    });
    appender.send(record, sink);
  };
  return {
    publish: (call, sink) => {
      const checked = claimCheck.put(call.body);
      if (!(checked instanceof Promise)) {
        append(call, checked, sink);
        return;
      }
      const failed = (error: unknown): void => {
        sink.failed(asPlatformError(error));
      };
      checked.then((put) => append(call, put, sink)).catch(failed);
    },
  };
};
