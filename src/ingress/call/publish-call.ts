import type { Caller } from '../../accounts/accounts.ts';
import type { Resolved } from '../../catalog/catalog.ts';
import type { BodyType, Request } from '../../kernel/contracts/contracts.gen.ts';
import type { RequestId } from '../../kernel/ids.ts';
import { nestedTopic, requestsTopic } from '../../kernel/topics.ts';
import type { ClaimCheck } from '../../messaging/claim-check.ts';
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
  /** Resolves when the broker has the request. Rejects as {@link Appender.append} and, for large bodies, as the blob store. */
  publish(call: OutgoingCall): Promise<void>;
}

/** Bodies that are too large for a record go to the blob store first. */
export const createCallPublisher = (appender: Appender, codec: Codec, claimCheck: ClaimCheck): CallPublisher => {
  const append = async (call: OutgoingCall, body: Buffer | null, bodyRef: string | null): Promise<void> => {
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
    await appender.append(record);
  };
  return {
    publish: async (call) => {
      const checked = await claimCheck.put(call.body);
      await append(call, checked.body, checked.bodyRef);
    },
  };
};
