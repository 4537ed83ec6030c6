import { Type } from 'typebox';
import type { Accounts, Caller } from '../../accounts/accounts.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Result } from '../../kernel/contracts/contracts.gen.ts';
import { isRequestId } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Place } from '../../messaging/messaging.ts';
import type { AcceptedCall, Answers } from '../answers/answers.ts';
import { answerOf } from '../call/answer.ts';
import { seesSource } from '../call/resolve-call.ts';
import type { StoredResults } from '../call/stored-answer.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import type { HttpApp } from '../http/type-provider.ts';

export interface RequestRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly answers: Answers;
  readonly stored: StoredResults;
}

const params = Type.Object({ id: Type.String() });

interface FinishedCall {
  readonly id: string;
  readonly place: Place;
  readonly result: Result;
}

const unknown = (id: string) =>
  ingressErrors.REQUEST_UNKNOWN({
    message: `request ${id.slice(0, 60)} is not known: only calls that nobody waited for, or that carried an Idempotency-Key, are, and for a day`,
  });

const isoOf = (atMs: number): string => new Date(atMs).toISOString();

/** Where the request was when; `after_ms` since it was accepted. Times are of different machines' clocks. */
const hopsOf = (acceptedAtMs: number, stages: readonly (readonly [string, number])[]) => [
  { hop: 'accepted', at: isoOf(acceptedAtMs), after_ms: null },
  ...stages.map(([hop, atMs]) => ({ hop, at: isoOf(atMs), after_ms: Math.round((atMs - acceptedAtMs) * 1000) / 1000 })),
];

const queuedBody = (call: AcceptedCall): Buffer =>
  Buffer.from(
    JSON.stringify({
      request_id: call.id,
      state: 'queued',
      algorithm: call.algorithm,
      version: call.version,
      build: call.build,
      hops: hopsOf(call.acceptedAtMs, []),
    }),
  );

const describe = ({ id, place, result }: FinishedCall) => ({
  request_id: id,
  state: result.status,
  algorithm: result.algorithm,
  version: result.version,
  build: result.build,
  origin: result.origin,
  cold: result.cold,
  executor: result.executor,
  partition: place.partition,
  offset: place.offset.toString(),
  hops: hopsOf(result.acceptedAtMs, [
    ['taken', result.takenAtMs],
    ['started', result.startedAtMs],
    ['finished', result.finishedAtMs],
  ]),
});

/** `GET /v1/requests/{id}` and `…/result`: the calls that nobody waited for, to who called. */
export const requestRoutes = (app: HttpApp, deps: RequestRoutesDeps): void => {
  const { access, accounts, catalog, answers, stored } = deps;

  const mayRead = (caller: Caller, result: Result): boolean =>
    result.account === caller.account.name && (result.stored || result.idempotencyKey !== null);

  const find = async (caller: Caller, id: string): Promise<FinishedCall | AcceptedCall> => {
    const known = isRequestId(id) ? await answers.byId(id) : null;
    if (known === null) throw unknown(id);
    if (known.kind === 'queued') {
      if (known.call.account !== caller.account.name) throw unknown(id);
      return known.call;
    }
    const result = await stored.result(known.place);
    if (result === null || !mayRead(caller, result)) throw unknown(id);
    return { id, place: known.place, result };
  };
  const answer = async (caller: Caller, { result }: FinishedCall, output: 'default' | 'raw') => {
    const algorithm = catalog.algorithmById(result.algorithmId);
    const source = algorithm !== null && seesSource(accounts, caller, algorithm);
    return answerOf(result, await stored.body(result), {
      output,
      source,
      stdout: result.stdout !== null,
      totalS: null,
    });
  };

  app.get('/v1/requests/:id', { schema: { params } }, async (request, reply) => {
    const caller = await access.caller(request);
    const call = await find(caller, request.params.id);
    void reply.type('application/json');
    if (!('result' in call)) return await reply.send(queuedBody(call));
    const about = JSON.stringify(describe(call)).slice(0, -1);
    if (call.result.bodyRef !== null && call.result.status === 'succeeded') {
      return await reply.send(Buffer.from(`${about},"result_address":"/v1/requests/${call.id}/result"}`));
    }
    // The answer's own object, `{"result":…}` or `{"error":…}`, is joined on without being parsed.
    const { body } = await answer(caller, call, 'default');
    return await reply.send(Buffer.concat([Buffer.from(`${about},`), body.subarray(1)]));
  });

  app.get('/v1/requests/:id/result', { schema: { params } }, async (request, reply) => {
    const caller = await access.caller(request);
    const call = await find(caller, request.params.id);
    if (!('result' in call))
      throw ingressErrors.RESOURCE_UNKNOWN({
        message: `request ${call.id} has not finished`,
        details: { vendorCode: 7000 },
      });
    const { status, contentType, body } = await answer(caller, call, 'raw');
    void reply.header('cache-control', `private, max-age=${limits.answersKeptMs / 1000}`);
    return await reply.code(status).type(contentType).send(body);
  });
};
