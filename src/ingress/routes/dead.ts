import { Type } from 'typebox';
import type { Caller } from '../../accounts/accounts.ts';
import type { Appender } from '../../messaging/messaging.ts';
import type { AuditTrail } from '../audit-trail.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { cutPage, pageOf, pageQuery } from '../http/paging.ts';
import type { HttpApp } from '../http/type-provider.ts';
import type { DeadLetter, DeadLetters } from '../logs/dead-letters.ts';
import { type RedriveOptions, redriven } from '../logs/redrive.ts';
import { originOf } from './algorithms.ts';

export interface DeadRoutesDeps extends RedriveOptions {
  readonly access: Access;
  readonly letters: DeadLetters;
  readonly appender: Appender;
  readonly audit: AuditTrail;
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

const toHttpWhole = (letter: DeadLetter) => {
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
};

const mayRead = ({ account, key }: Caller, letter: DeadLetter): boolean =>
  key.permissions.admin || (key.permissions.manage && letter.account === account.name);

/** Dead letters: to administrators all of them, to an account its own. */
export const deadRoutes = (app: HttpApp, deps: DeadRoutesDeps): void => {
  const { access, letters } = deps;

  const required = async (caller: Caller, place: Type.Static<typeof params>): Promise<DeadLetter> => {
    const letter = await letters.at({ partition: Number(place.partition), offset: BigInt(place.offset) });
    if (letter !== null && mayRead(caller, letter)) return letter;
    throw ingressErrors.RESOURCE_UNKNOWN({ message: `there is no dead letter ${place.partition}/${place.offset}` });
  };

  const listSchema = { querystring: Type.Object(pageQuery), response: { 200: pageOf(DeadObject) } };
  app.get('/v1/dead', { schema: listSchema }, async (request) => {
    const caller = await access.caller(request);
    const page = cutPage({
      items: await letters.newest(lookBackMax, (letter) => mayRead(caller, letter)),
      limit: request.query.limit,
      marker: request.query.marker,
      address: `${originOf(request)}/v1/dead`,
      idOf: ({ place }: DeadLetter) => `${place.partition}/${place.offset.toString()}`,
    });
    return { ...page, results: page.results.map(toHttp) };
  });

  app.get('/v1/dead/:partition/:offset', { schema: { params } }, async (request) => {
    const caller = await access.caller(request);
    return toHttpWhole(await required(caller, request.params));
  });

  app.post('/v1/dead/:partition/:offset/redrive', { schema: { params } }, async (request) => {
    const caller = await access.caller(request);
    const letter = await required(caller, request.params);
    const { record, requestId } = redriven(letter, deps);
    const { partition, offset } = await deps.appender.append(record);
    const topic = record.topic.name;
    const target = `dead/${request.params.partition}/${request.params.offset}`;
    deps.audit.done(caller, 'dead.redrive', target, { topic, requestId });
    const place = { topic, partition, offset: offset.toString() };
    return requestId === null ? place : { ...place, request_id: requestId };
  });
};
