import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createE2eClient, eventually } from '../helpers/e2e-client.ts';
import { createPeople } from '../helpers/e2e-people.ts';
import { probe } from '../helpers/e2e-sources.ts';

const client = createE2eClient(inject('platform'));
const { ask, call } = client;
const people = createPeople(client);

interface RequestState {
  readonly state: string;
  readonly hops: readonly { readonly hop: string; readonly at: string; readonly after_ms: number | null }[];
  readonly result?: unknown;
  readonly result_address?: string;
  readonly error?: { readonly message: string };
}

const stateOf = async (id: string, key = client.adminKey): Promise<RequestState> =>
  (await ask('GET', `/v1/requests/${id}`, { key })).json() as RequestState;

const finished = async (id: string): Promise<RequestState> =>
  await eventually(
    async () => {
      const state = await stateOf(id);
      return state.state === 'queued' ? undefined : state;
    },
    { what: `the end of ${id}` },
  );

const callVoid = async (reference: string, body: unknown, headers = {}): Promise<string> => {
  const answer = await call(`${reference}?output=void`, { body, headers });
  expect(answer.text).toMatch(/^{"async":"void","request_id":"req-[0-9a-f-]{36}"}$/);
  return (answer.json() as { request_id: string }).request_id;
};

const builds: string[] = [];
let stranger = '';

beforeAll(async () => {
  stranger = await people.user('Stranger');
  const variant = (text: string) => ({ ...probe('Stored'), 'NOTES.md': text });
  const publish = async (text: string, ...words: string[]): Promise<void> => {
    const { build } = await client.deploy(variant(text), words);
    builds.push(build);
  };
  await publish('1.0.0', '--major');
  await publish('1.1.0');
  await publish('1.1.1', '--revision');
  await publish('2.0.0', '--major', '--private');
  await publish('none', '--no-publish');
});

describe('the version in the path', () => {
  const statusOf = async (selector: string, key: string): Promise<number> =>
    (await call(`admin/Stored${selector}`, { body: 'x', key })).status;

  it('may be left out, partial, whole or a build hash to who owns the algorithm', async () => {
    for (const selector of [
      '',
      '/1',
      '/1.1',
      '/1.1.*',
      '/1.*',
      '/1.1.0',
      '/1.0',
      '/2.0.0',
      ...builds.map((each) => `/${each}`),
    ]) {
      expect([selector, await statusOf(selector, client.adminKey)]).toEqual([selector, 200]);
    }
    expect(await statusOf('/1.2', client.adminKey)).toBe(404);
  });

  it('resolves to what everybody may call for strangers; the rest does not exist for them', async () => {
    for (const selector of ['', '/1', '/1.1', '/1.0.0'])
      expect([selector, await statusOf(selector, stranger)]).toEqual([selector, 200]);
    for (const selector of ['/2.0.0', '/2', ...builds.map((each) => `/${each}`)]) {
      const answer = await call(`admin/Stored${selector}`, { body: 'x', key: stranger });
      expect([answer.status, answer.text]).toEqual([
        404,
        `{"error":{"message":"algorithm algo://admin/Stored${selector} not found"}}`,
      ]);
    }
  });

  it('chooses the newest by its numbers', async () => {
    const versionOf = async (selector: string): Promise<unknown> => {
      const state = await finished(await callVoid(`admin/Stored${selector}`, 'x'));
      return (state as unknown as { version: unknown }).version;
    };
    expect(await versionOf('')).toBe('1.1.1');
    expect(await versionOf('/1.0')).toBe('1.0.0');
    expect(await versionOf(`/${builds[4] ?? ''}`)).toBe(null);
  });

  it('finds owner and name in any case, with algo:// before and a slash behind', async () => {
    for (const reference of ['ADMIN/stored', 'admin/STORED/1.0.0/', 'algo://admin/Stored/1']) {
      expect((await call(reference, { body: 'x' })).status).toBe(200);
    }
  });
});

describe('what a caller may see', () => {
  it('leaves trace and stdout to who has the source', async () => {
    const failed = await call('admin/Stored', { body: { do: 'divide' }, key: stranger });
    expect(failed.status).toBe(200);
    expect((failed.json() as { error: object }).error).toEqual({
      message: 'division by zero',
      error_type: 'AlgorithmError',
    });
    const printed = await call('admin/Stored?stdout=true', { body: { do: 'print' }, key: stranger });
    expect(printed.text).toMatch(/^{"result":"printed","metadata":{"content_type":"text","duration":[^,]+}}$/);
  });

  it('answers 401 to a key without permission for the algorithm', async () => {
    const allowed = await people.key('Stranger', { algo_acl: ['algo://admin/Stored/*'] });
    const other = await people.key('Stranger', { algo_acl: ['algo://admin/Other/*'] });
    const none = await people.key('Stranger', { allow_algo: false });
    expect((await call('admin/Stored', { body: 1, key: allowed })).status).toBe(200);
    for (const key of [other, none]) {
      const answer = await call('admin/Stored', { body: 1, key });
      expect([answer.status, answer.text]).toEqual([
        401,
        '{"error":{"message":"this API key may not call admin/Stored"}}',
      ]);
    }
  });
});

describe('a call that nobody waits for', () => {
  it('is found by its caller while it is queued and when it ended, with its hops', async () => {
    const id = await callVoid('admin/Stored', { do: 'sleep', seconds: 0.5 });
    const queued = await stateOf(id);
    expect(queued).toMatchObject({ state: 'queued', hops: [{ hop: 'accepted', after_ms: null }] });
    const done = await finished(id);
    expect(done).toMatchObject({ state: 'succeeded', result: 'slept' });
    expect(done.hops.map(({ hop }) => hop)).toEqual(['accepted', 'taken', 'started', 'finished']);
    const times = done.hops.slice(1).map(({ after_ms: afterMs }) => afterMs ?? -1);
    expect(times.every((time) => time >= 0) && times.every((time, at) => time >= (times[at - 1] ?? 0))).toBe(true);
    const result = await ask('GET', `/v1/requests/${id}/result`);
    expect([result.status, result.text]).toEqual([200, 'slept']);
  });

  it('tells how it failed', async () => {
    const id = await callVoid('admin/Stored', { do: 'raise', type: 'InputError' });
    expect(await finished(id)).toMatchObject({ state: 'failed', error: { message: 'went wrong' } });
    expect((await ask('GET', `/v1/requests/${id}/result`)).status).toBe(400);
  });

  it('does not exist for others', async () => {
    const id = await callVoid('admin/Stored', 'x');
    await finished(id);
    for (const path of [`/v1/requests/${id}`, `/v1/requests/${id}/result`]) {
      const answer = await ask('GET', path, { key: stranger });
      expect(answer.status).toBe(404);
      expect(answer.json()).toMatchObject({ error: { code: 7000 } });
    }
    expect((await ask('GET', '/v1/requests/req-00000000-0000-4000-8000-000000000000')).status).toBe(404);
  });

  it('keeps a large result at an address of its own', async () => {
    const id = await callVoid('admin/Stored', { do: 'bytes', bytes: 3_000_000 });
    const state = await finished(id);
    expect(state).toMatchObject({ state: 'succeeded', result_address: `/v1/requests/${id}/result` });
    const result = await ask('GET', state.result_address ?? '');
    expect([result.status, result.headers.get('content-type'), result.bytes.length]).toEqual([
      200,
      'application/octet-stream',
      3_000_000,
    ]);
  });
});

describe('an Idempotency-Key', () => {
  it('gives the stored answer when it is used again', async () => {
    const headers = { 'idempotency-key': 'order-17' };
    const first = await call('admin/Stored', { body: { n: 1 }, headers });
    const again = await call('admin/Stored', { body: { n: 2 }, headers });
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get('x-request-id')).toBe(first.headers.get('x-request-id'));
    expect((await call('admin/Stored', { body: { n: 3 }, headers, key: stranger })).text).toContain('"n":3');
  });

  it('is refused with 409 while its call runs', async () => {
    const headers = { 'idempotency-key': 'order-18' };
    const running = call('admin/Stored', { body: { do: 'sleep', seconds: 1.5 }, headers });
    const refused = await eventually(async () => {
      const answer = await call('admin/Stored', { body: 1, headers: { ...headers, 'x-second': 'yes' } });
      return answer.status === 409 ? answer : undefined;
    });
    expect(refused.text).toContain('still running');
    expect((await running).text).toContain('"slept"');
  });
});
