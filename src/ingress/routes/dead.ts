import { Type } from 'typebox';
import type { Caller } from '../../accounts/accounts.ts';
import type { Clock } from '../../kernel/clock.ts';
import { accountNameOf, requestIdOf } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Random } from '../../kernel/random.ts';
import { inboxTopic, platformTopics, requestsTopic, type Topic } from '../../kernel/topics.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { Appender, OutRecord } from '../../messaging/messaging.ts';
import type { AuditTrail } from '../audit-trail.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { cutPage, pageOf, pageQuery } from '../http/paging.ts';
import type { HttpApp } from '../http/type-provider.ts';
import type { DeadLetter, DeadLetters } from '../logs/dead-letters.ts';
import { originOf } from './algorithms.ts';

export interface DeadRoutesDeps {
  readonly access: Access;
  readonly letters: DeadLetters;
  readonly appender: Appender;
  readonly codec: Codec;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly random: Random;
  readonly pools: readonly string[];
}

const DeadObject = Type.Object({
  partition: Type.Number(),
  offset: Type.String(),
  reason: Type.String(),
  step: Type.String(),
  code: Type.String(),
  attempt: Type.Number(),
  at: Type.String(),
  topic: Type.String(),
  account: Type.Optional(Type.String()),
});
const params = Type.Object({
  partition: Type.String({ pattern: '^\\d{1,6}$' }),
  offset: Type.String({ pattern: '^\\d{1,18}$' }),
});
const lookBackMax = 10_000;
const bodyShownBytes = 64 * 1024;

const toHttp = (letter: DeadLetter): Type.Static<typeof DeadObject> => ({
  partition: letter.place.partition,
  offset: letter.place.offset.toString(),
  reason: letter.reason,
  step: letter.step,
  code: letter.code,
  attempt: letter.attempt,
  at: new Date(letter.atMs).toISOString(),
  topic: letter.topic ?? '',
  ...(letter.account === null ? {} : { account: letter.account }),
});

const inboxName = /^inbox\.([a-z][a-z0-9_]{0,29})\.v1$/;

/** Dead letters: to administrators all of them, to an account its own. */
export const deadRoutes = (app: HttpApp, deps: DeadRoutesDeps): void => {
  const { access, letters, codec } = deps;

  const mayRead = (caller: Caller, letter: DeadLetter): boolean =>
    caller.key.permissions.admin || (caller.key.permissions.manage && letter.account === caller.account.name);

  const required = async (caller: Caller, place: Type.Static<typeof params>): Promise<DeadLetter> => {
    const letter = await letters.at({ partition: Number(place.partition), offset: BigInt(place.offset) });
    if (letter !== null && mayRead(caller, letter)) return letter;
    throw ingressErrors.RESOURCE_UNKNOWN({ message: `there is no dead letter ${place.partition}/${place.offset}` });
  };

  const topicOf = (letter: DeadLetter): Topic => {
    const account = inboxName.exec(letter.topic ?? '')?.[1];
    if (account !== undefined) return inboxTopic(accountNameOf(account));
    const topic = platformTopics(deps.pools).find((each) => each.name === letter.topic);
    if (topic !== undefined) return topic;
    throw ingressErrors.BAD_REQUEST({
      message: `the letter does not say of which topic of this installation it is: ${letter.topic ?? 'none'}`,
    });
  };
  /** A request had its one result when it was parked, so redriving it is a new call under an id of its own. */
  const requestAgain = (
    letter: DeadLetter,
    pool: string,
  ): { readonly record: OutRecord; readonly requestId: string } => {
    const { key, value, headers, place } = letter;
    const old = codec.decode('request', {
      topic: letter.topic ?? '',
      ...place,
      timestampMs: letter.atMs,
      key,
      value,
      headers,
    });
    const id = requestIdOf(deps.random.uuid());
    const acceptedAtMs = Math.round(deps.clock.nowMs());
    const message = {
      ...old,
      session: id,
      parent: null,
      replyPartition: null,
      idempotencyKey: null,
      stored: true,
      acceptedAtMs,
    };
    const record = codec.encode(requestsTopic(pool), message, {
      key,
      id,
      attempt: 1,
      deadlineMs: acceptedAtMs + limits.timeoutMaxS * 1000,
      ...(letter.originPartition === null ? {} : { partition: letter.originPartition }),
    });
    return { record, requestId: id };
  };
  const again = (letter: DeadLetter): { readonly record: OutRecord; readonly requestId: string | null } => {
    const topic = topicOf(letter);
    const pool = deps.pools.find((each) => requestsTopic(each).name === topic.name);
    if (pool !== undefined) return requestAgain(letter, pool);
    const { key, value, headers } = letter;
    return { record: { topic, key, value, headers }, requestId: null };
  };

  app.get(
    '/v1/dead',
    { schema: { querystring: Type.Object(pageQuery), response: { 200: pageOf(DeadObject) } } },
    async (request) => {
      const caller = await access.caller(request);
      const { limit, marker } = request.query;
      const page = cutPage({
        items: await letters.newest(lookBackMax, (letter) => mayRead(caller, letter)),
        limit,
        marker,
        address: `${originOf(request)}/v1/dead`,
        idOf: ({ place }: DeadLetter) => `${place.partition}/${place.offset.toString()}`,
      });
      return { ...page, results: page.results.map(toHttp) };
    },
  );

  app.get('/v1/dead/:partition/:offset', { schema: { params } }, async (request) => {
    const caller = await access.caller(request);
    const letter = await required(caller, request.params);
    const value = letter.value ?? Buffer.alloc(0);
    return {
      ...toHttp(letter),
      origin_partition: letter.originPartition,
      origin_offset: letter.originOffset,
      key: letter.key?.toString('utf8') ?? null,
      headers: letter.headers.map(([name, bytes]) => ({ name, value: bytes.toString('utf8') })),
      size_bytes: value.length,
      body_base64: value.subarray(0, bodyShownBytes).toString('base64'),
    };
  });

  app.post('/v1/dead/:partition/:offset/redrive', { schema: { params } }, async (request) => {
    const caller = await access.caller(request);
    const letter = await required(caller, request.params);
    const { record, requestId } = again(letter);
    const place = await deps.appender.append(record);
    const target = `dead/${request.params.partition}/${request.params.offset}`;
    deps.audit.done(caller, 'dead.redrive', target, { topic: record.topic.name, requestId });
    return {
      topic: record.topic.name,
      partition: place.partition,
      offset: place.offset.toString(),
      ...(requestId === null ? {} : { request_id: requestId }),
    };
  });
};
