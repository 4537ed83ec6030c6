import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { headerNames, headerNumber } from '../../src/kernel/contracts/envelope.ts';
import { type IngressPlatform, startIngressPlatform, until } from '../helpers/ingress-platform.ts';

const timeoutText = 'Failed to run algorithm - may have timed-out or hit out-of-memory error';

describe('calls through the HTTP facade', () => {
  let platform: IngressPlatform;
  let hash: string;
  let ann: string;
  let echo: IngressPlatform['run'];

  beforeAll(async () => {
    platform = await startIngressPlatform();
    echo = platform.run;
    hash = await platform.publish('admin', 'Echo', { settings: { source_visibility: 'closed' } });
    ann = await platform.user('ann');
  });
  afterEach(() => {
    platform.run = echo;
  });
  afterAll(async () => {
    await platform.close();
  });

  const post = async (path: string, options: Parameters<IngressPlatform['call']>[2] = { body: { a: 1 } }) => {
    const response = await platform.call('POST', `/v1/algo/${path}`, options);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  it('wraps a JSON result without touching its bytes', async () => {
    platform.run = () => ({ contentType: 'json', body: Buffer.from('{ "b":  [1, 2 ]}') });
    const answer = await post('admin/Echo');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.text).toBe('{"result":{ "b":  [1, 2 ]},"metadata":{"content_type":"json","duration":0.0012}}');
  });

  it('wraps text as a JSON string, bytes as base64 and nothing as null', async () => {
    platform.run = () => ({ contentType: 'text', body: Buffer.from('grüße "x"') });
    expect((await post('admin/Echo')).text).toBe(
      '{"result":"grüße \\"x\\"","metadata":{"content_type":"text","duration":0.0012}}',
    );
    platform.run = () => ({ contentType: 'binary', body: Buffer.from([0, 255]) });
    expect((await post('admin/Echo')).text).toBe(
      '{"result":"AP8=","metadata":{"content_type":"binary","duration":0.0012}}',
    );
    platform.run = () => ({ contentType: 'void' });
    expect((await post('admin/Echo')).text).toBe(
      '{"result":null,"metadata":{"content_type":"void","duration":0.0012}}',
    );
  });

  it('answers output=raw with the bare result', async () => {
    platform.run = () => ({ contentType: 'text', body: Buffer.from('hello') });
    const answer = await post('admin/Echo?output=raw');
    expect([answer.status, answer.text]).toEqual([200, 'hello']);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  });

  it.each([
    ['any letter case', 'ADMIN/echo'],
    ['a trailing slash', 'admin/Echo/'],
    ['an empty question mark', 'admin/Echo?'],
    ['algo:// before', 'algo://admin/Echo'],
    ['algo:// encoded', 'algo%3A%2F%2Fadmin/Echo'],
    ['a wildcard version', 'admin/Echo/0.1.*'],
    ['a full version', 'admin/Echo/0.1.0'],
    ['unknown parameters', 'admin/Echo?timeout=30&stdout=False&foo=1&output=default'],
  ])('takes a path with %s', async (_what, path) => {
    expect((await post(path)).status).toBe(200);
  });

  it('takes a build hash and the algorithm id', async () => {
    expect((await post(`admin/Echo/${hash}`)).status).toBe(200);
    const about = (await (await platform.call('GET', '/v1/algorithms/admin/Echo')).json()) as { id: string };
    expect((await post(about.id)).status).toBe(200);
    expect((await post(`${about.id}/0.1.0`)).status).toBe(200);
  });

  it('takes the key bare, as Simple and as Bearer', async () => {
    for (const authorization of [ann, `Simple ${ann}`, `simple ${ann}`, `Bearer ${ann}`]) {
      expect((await post('admin/Echo', { key: null, headers: { authorization }, body: 1 })).status).toBe(200);
    }
  });

  it('asks for authorization in the words that clients know', async () => {
    for (const headers of [{}, { authorization: '' }]) {
      const answer = await post('admin/Echo', { key: null, headers, body: 1 });
      expect([answer.status, answer.text]).toEqual([401, '{"error":{"message":"authorization required"}}']);
    }
    expect((await post('admin/Echo', { key: 'simUnknown', body: 1 })).status).toBe(401);
  });

  it('does not find what is unknown or not visible, in the same words', async () => {
    await platform.publish('admin', 'Hidden', { callability: 'private' });
    for (const path of ['admin/Nothing', 'nobody/Echo', 'admin/Echo/9.9.9', 'admin/Echo/']) {
      const answer = await post(path, { key: ann, body: 1 });
      if (path.endsWith('Echo/')) continue;
      expect([answer.status, answer.text]).toEqual([404, `{"error":{"message":"algorithm algo://${path} not found"}}`]);
    }
    const hidden = await post('admin/Hidden/', { key: ann, body: 1 });
    expect([hidden.status, hidden.text]).toEqual([
      404,
      '{"error":{"message":"algorithm algo://admin/Hidden/ not found"}}',
    ]);
    expect((await post(`admin/Echo/${hash}`, { key: ann, body: 1 })).status).toBe(404);
  });

  it('refuses a key that may not call the algorithm, and says so in the audit', async () => {
    const restricted = await platform.user('rob', { algo_acl: ['algo://rob/*'] });
    expect((await post('admin/Echo', { key: restricted, body: 1 })).status).toBe(401);
    const ends = async () =>
      await platform.messaging.admin.endOffsets((await import('../../src/kernel/topics.ts')).topics.audit, 'committed');
    await until(async () => (await ends()).some((end) => end > 0n));
  });

  it.each([
    ['unparsable JSON', { raw: '{"a":', headers: { 'content-type': 'application/json' } }, 400],
    ['an empty JSON body', { raw: '', headers: { 'content-type': 'application/json' } }, 400],
    ['text that is not UTF-8', { raw: Buffer.from([0xff, 0xfe]), headers: { 'content-type': 'text/plain' } }, 400],
    ['a form', { raw: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
  ])('refuses %s', async (_what, options, status) => {
    const answer = await post('admin/Echo', options);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(/^\{"error":\{"message":".+"\}\}$/);
  });

  it.each(['timeout=0', 'timeout=3001', 'timeout=x', 'output=xml'])('refuses %s with 400', async (query) => {
    expect((await post(`admin/Echo?${query}`)).status).toBe(400);
  });

  it('refuses a body above 10 MiB and takes one of 10 MiB by reference', async () => {
    const headers = { 'content-type': 'application/octet-stream' };
    const large = Buffer.alloc(10 * 1024 * 1024 + 1, 1);
    const refused = await post('admin/Echo', { raw: large, headers });
    expect([refused.status, Object.keys(JSON.parse(refused.text) as object)]).toEqual([413, ['error']]);
    const taken = await platform.call('POST', '/v1/algo/admin/Echo?output=raw', { raw: large.subarray(1), headers });
    expect(taken.status).toBe(200);
    expect((await taken.arrayBuffer()).byteLength).toBe(10 * 1024 * 1024);
    expect(platform.requests.at(-1)?.request.bodyRef).not.toBeNull();
  });

  it('shows failures as 200, raw ones as 400, and the stack only to who may read the source', async () => {
    const error = { message: 'boom', errorType: 'AlgorithmError', stacktrace: 'line 1' };
    platform.run = () => ({ status: 'failed', error });
    const inside = await post('admin/Echo');
    expect([inside.status, inside.text]).toEqual([
      200,
      '{"error":{"message":"boom","stacktrace":"line 1","error_type":"AlgorithmError"},"metadata":{"duration":0.0012}}',
    ]);
    const outside = await post('admin/Echo', { key: ann, body: 1 });
    expect(outside.text).toBe(
      '{"error":{"message":"boom","error_type":"AlgorithmError"},"metadata":{"duration":0.0012}}',
    );
    expect((await post('admin/Echo?output=raw')).status).toBe(400);
  });

  it('tells a timeout in the asserted words, whether an executor says so or nobody', async () => {
    platform.run = () => ({ status: 'timeout' });
    const told = await post('admin/Echo');
    expect([told.status, told.text]).toEqual([
      200,
      `{"error":{"message":"${timeoutText}"},"metadata":{"duration":0.0012}}`,
    ]);
    platform.run = () => null;
    const silent = await post('admin/Echo?timeout=0.1');
    expect(silent.status).toBe(200);
    expect((JSON.parse(silent.text) as { error: object }).error).toEqual({ message: timeoutText });
  });

  it('gives stdout to the owner only', async () => {
    platform.run = (request) => ({
      contentType: 'json',
      body: Buffer.from('1'),
      stdout: request.wantsStdout ? 'said' : null,
    });
    expect((await post('admin/Echo?stdout=True')).text).toBe(
      '{"result":1,"metadata":{"content_type":"json","duration":0.0012,"stdout":"said"}}',
    );
    expect((await post('admin/Echo?stdout=true', { key: ann, body: 1 })).text).not.toContain('stdout');
  });

  it('carries deadline, trace and reply partition to the executors', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await post('admin/Echo?timeout=30', { body: 1, headers: { traceparent } });
    const last = platform.requests.at(-1);
    expect(headerNumber(last?.record.headers ?? [], headerNames.deadline)).toBe(
      (last?.request.acceptedAtMs ?? 0) + 30_000,
    );
    expect(last?.record.headers.find(([name]) => name === 'traceparent')?.[1].toString()).toBe(traceparent);
    expect(last?.request.replyPartition).toBeLessThan(4);
  });

  it('frees the place of a caller that goes away', async () => {
    platform.run = () => null;
    const gone = new AbortController();
    const waiting = post('admin/Echo', { key: ann, body: 1, signal: gone.signal }).catch(() => 'gone');
    const inside = async (): Promise<string> =>
      (await (await platform.call('GET', '/metrics')).text()).match(/^millrace_calls_waiting (\d+)/m)?.[1] ?? '';
    await until(async () => (await inside()) === '1');
    gone.abort();
    expect(await waiting).toBe('gone');
    await until(async () => (await inside()) === '0');
  });

  it('answers a void call when it is in the log, and its result to its caller for a day', async () => {
    const accepted = await post('admin/Echo?output=void', { key: ann, body: { x: 1 } });
    const { request_id: id } = JSON.parse(accepted.text) as { request_id: string };
    expect(accepted.text).toBe(`{"async":"void","request_id":"${id}"}`);
    expect(id).toMatch(/^req-[0-9a-f-]{36}$/);
    const read = async (path = '', key = ann) => await platform.call('GET', `/v1/requests/${id}${path}`, { key });
    await until(async () => ((await (await read()).json()) as { state: string }).state === 'succeeded');
    const state = (await (await read()).json()) as {
      hops: { hop: string; after_ms: number | null }[];
      result: unknown;
    };
    expect(state.hops.map((hop) => [hop.hop, hop.after_ms])).toEqual([
      ['accepted', null],
      ['taken', 1],
      ['started', 1.5],
      ['finished', 3],
    ]);
    expect(state.result).toEqual({ x: 1 });
    expect(await (await read('/result')).text()).toBe('{"x":1}');
    const foreign = await read('', await platform.user('eve'));
    expect([foreign.status, ((await foreign.json()) as { error: { code: number } }).error.code]).toEqual([404, 7000]);
  });

  it('says queued while a void call has not ended', async () => {
    platform.run = () => null;
    const { request_id: id } = JSON.parse((await post('admin/Echo?output=void')).text) as { request_id: string };
    expect(await (await platform.call('GET', `/v1/requests/${id}`)).json()).toMatchObject({
      request_id: id,
      state: 'queued',
    });
    expect((await platform.call('GET', `/v1/requests/${id}/result`)).status).toBe(404);
  });

  it('answers a repeated Idempotency-Key with the stored answer, 409 while it runs, per caller', async () => {
    const headers = { 'idempotency-key': 'one' };
    let runs = 0;
    platform.run = () => ({ contentType: 'json', body: Buffer.from(String((runs += 1))) });
    const first = await post('admin/Echo', { body: 1, headers });
    const again = await post('admin/Echo', { body: 1, headers });
    expect([again.text, runs]).toEqual([first.text, 1]);
    expect((await post('admin/Echo', { body: 1, headers, key: ann })).text).not.toBe(first.text);
    platform.run = () => null;
    const slow = post('admin/Echo?timeout=1', { body: 1, headers: { 'idempotency-key': 'two' } });
    await until(() => platform.requests.at(-1)?.request.idempotencyKey === 'two');
    expect((await post('admin/Echo', { body: 1, headers: { 'idempotency-key': 'two' } })).status).toBe(409);
    await slow;
  });

  it('answers stored calls from the log after a restart, and through another replica', async () => {
    const headers = { 'idempotency-key': 'kept' };
    const first = await post('admin/Echo', { body: { kept: true }, headers });
    const { request_id: id } = JSON.parse((await post('admin/Echo?output=void', { body: 7 })).text) as {
      request_id: string;
    };
    await until(async () => (await platform.call('GET', `/v1/requests/${id}/result`)).status === 200);
    const at = await platform.another();
    platform.run = () => ({ contentType: 'json', body: Buffer.from('"ran again"') });
    await until(async () => (await platform.call('GET', `/v1/requests/${id}/result`, { at })).status === 200);
    expect((await post('admin/Echo', { body: { kept: true }, headers, at })).text).toBe(first.text);
  });

  it('refuses calls above the bound of an account with 429 and Retry-After', async () => {
    const at = await platform.another({ MILLRACE_CALLS_PER_ACCOUNT_MAX: 1 });
    platform.run = () => null;
    const before = platform.requests.length;
    const first = post('admin/Echo?timeout=1', { body: 1, at });
    await until(() => platform.requests.length > before);
    const second = await post('admin/Echo', { body: 1, at });
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await post('admin/Echo?timeout=0.1', { body: 1, at, key: ann })).status).toBe(200);
    await first;
  });

  it('tells nothing but the truth about its readiness', async () => {
    const ready = await platform.call('GET', '/readyz', { key: null });
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true }]);
    expect((await platform.call('GET', '/healthz', { key: null })).status).toBe(200);
  });
});

describe('calls without executors', () => {
  it('are refused at once with 503 and Retry-After', async () => {
    const platform = await startIngressPlatform();
    try {
      await platform.publish('admin', 'Echo');
      await platform.stopExecutor();
      const answer = await platform.call('POST', '/v1/algo/admin/Echo', { body: 1 });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect((await platform.call('GET', '/readyz')).status).toBe(503);
    } finally {
      await platform.close();
    }
  });
});
