import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createE2eClient, type WireAnswer } from '../helpers/e2e-client.ts';
import { probe } from '../helpers/e2e-sources.ts';

const client = createE2eClient(inject('platform'));
const { ask, call } = client;
const mebibyte = 1024 * 1024;
const durationText = String.raw`\d+(?:\.\d+)?(?:e-\d+)?`;

/** The wrapper around a result, byte for byte but for the duration. */
const wrapped = (answer: WireAnswer, result: string, contentType: string, more = ''): void => {
  const text = answer.text.replace(new RegExp(`"duration":${durationText}`), '"duration":0');
  expect([answer.status, answer.headers.get('content-type'), text]).toEqual([
    200,
    'application/json',
    `{"result":${result},"metadata":{"content_type":"${contentType}","duration":0${more}}}`,
  ]);
};

const failure = (answer: WireAnswer, status: number): Record<string, unknown> => {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/json']);
  // `as`: shape A, looked at field by field below.
  return (answer.json() as { error: Record<string, unknown> }).error;
};

beforeAll(async () => {
  await client.deploy(probe('Probe'), ['--major']);
});

describe('what goes in and comes out of a call', () => {
  it.each([
    ['a text', 'text/plain; charset=UTF-8', 'Grüße', '"Grüße"', 'text'],
    ['a text by its old name', 'application/text', 'HAL 9000', '"HAL 9000"', 'text'],
    ['a JSON string, which arrives as text', 'application/json', '"HAL 9000"', '"HAL 9000"', 'text'],
    ['a number', 'application/JSON', '1', '1', 'json'],
    ['null', 'application/json; charset=utf-8', 'null', 'null', 'json'],
    ['an object', 'application/json', '{"b":[1,2.5,null,"x"],"a":{}}', '{"b":[1,2.5,null,"x"],"a":{}}', 'json'],
    ['bytes', 'application/octet-stream', Buffer.from([0, 1, 2, 255]), '"AAEC/w=="', 'binary'],
  ] as const)('is %s', async (...[, type, body, result, contentType]) => {
    wrapped(await call('admin/Probe', { body, type }), result, contentType);
  });

  it('reaches the algorithm in the types of its language', async () => {
    for (const [of, type] of [
      ['x', 'str'],
      [1, 'int'],
      [1.5, 'float'],
      [null, 'NoneType'],
      [[], 'list'],
    ] as const) {
      wrapped(await call('admin/Probe', { body: { do: 'type', of } }), `"${type}"`, 'text');
    }
  });

  it('keeps characters of every plane', async () => {
    wrapped(await call('admin/Probe', { body: { do: 'unicode' } }), '"Grüße, 世界 🧊"', 'text');
  });

  it('is bare with output=raw', async () => {
    const bytes = randomBytes(1000);
    const raw = await call('admin/Probe?output=raw', { body: bytes });
    expect([raw.status, raw.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    expect(raw.bytes.equals(bytes)).toBe(true);
    const text = await call('admin/Probe?output=raw', { body: 'plain' });
    expect([text.status, text.headers.get('content-type'), text.text]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'plain',
    ]);
    const json = await call('admin/Probe/?output=raw', { body: { a: 1 } });
    expect([json.status, json.headers.get('content-type'), json.text]).toEqual([200, 'application/json', '{"a":1}']);
  });

  it('takes output=default as none, and options that it does not know', async () => {
    wrapped(await call('admin/Probe/?output=default&colour=red&timeout=300&stdout=False', { body: 1 }), '1', 'json');
  });
});

describe('the size of bodies', () => {
  it.each([2, 10])('may be %i MiB in and out', async (size) => {
    const bytes = randomBytes(size * mebibyte);
    const answer = await call('admin/Probe?output=raw', { body: bytes });
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(bytes)).toBe(true);
  });

  it('is at most 10 MiB for a request', async () => {
    const answer = await call('admin/Probe', { body: Buffer.alloc(10 * mebibyte + 1) });
    expect(failure(answer, 413)['message']).toContain('10 MiB');
  });

  it('may be 12 MB for a result', async () => {
    const answer = await call('admin/Probe', { body: { do: 'text', bytes: 12_000_000 } });
    expect(answer.status).toBe(200);
    expect(answer.text.startsWith(`{"result":"${'x'.repeat(1000)}`)).toBe(true);
    expect(answer.text.indexOf('"', '{"result":"'.length)).toBe('{"result":"'.length + 12_000_000);
  });

  it('above 15 MB for a result is a TooLargeError', async () => {
    const answer = await call('admin/Probe', { body: { do: 'bytes', bytes: 16_000_000 } });
    expect(failure(answer, 200)).toMatchObject({ error_type: 'TooLargeError' });
  });
});

describe('a call that fails', () => {
  it('is answered 200 with type, message, trace and duration', async () => {
    const answer = await call('admin/Probe', { body: { do: 'raise', type: 'InputError' } });
    const error = failure(answer, 200);
    expect(Object.keys(error)).toEqual(['message', 'stacktrace', 'error_type']);
    expect(error).toMatchObject({ message: 'went wrong', error_type: 'InputError' });
    expect(error['stacktrace']).toContain('in fail');
    expect(answer.text).toMatch(new RegExp(`,"metadata":{"duration":${durationText}}}$`));
  });

  it('is answered 400 with output=raw', async () => {
    const answer = await call('admin/Probe?output=raw', { body: { do: 'raise', type: 'ParsingError' } });
    expect(failure(answer, 400)).toMatchObject({ message: 'went wrong', error_type: 'ParsingError' });
  });

  it('has one of the known types, AlgorithmError for any other', async () => {
    const typeOf = async (type: string): Promise<unknown> =>
      failure(await call('admin/Probe', { body: { do: 'raise', type } }), 200)['error_type'];
    const known = [
      'InputError',
      'UnsupportedError',
      'InitializationError',
      'OutOfMemoryError',
      'OutOfGpuMemoryError',
      'LanguageError',
      'TooLargeError',
      'ParsingError',
      'EntityNotFoundError',
      'ThirdPartyCredentialError',
      'AlgorithmError',
    ];
    for (const type of known) expect(await typeOf(type)).toBe(type);
    for (const type of ['OddError', 'TimeoutError', 'PaymentRequiredError', '']) {
      expect(await typeOf(type)).toBe('AlgorithmError');
    }
    const divided = failure(await call('admin/Probe', { body: { do: 'divide' } }), 200);
    expect(divided).toMatchObject({ message: 'division by zero', error_type: 'AlgorithmError' });
  });

  it('that ends its process says with which code, whatever its threads do', async () => {
    const error = failure(await call('admin/Probe', { body: { do: 'exit' } }), 200);
    expect(error).toEqual({ message: 'exited with code 3', error_type: 'SystemExit' });
    wrapped(await call('admin/Probe', { body: 'again' }), '"again"', 'text');
  });

  it('says in the asserted words that it took too long or too much memory', async () => {
    const words = 'Failed to run algorithm - may have timed-out or hit out-of-memory error';
    const late = await call('admin/Probe?timeout=1', { body: { do: 'sleep', seconds: 30 } });
    expect(failure(late, 200)).toEqual({ message: words });
    const hungry = failure(await call('admin/Probe', { body: { do: 'eat' } }), 200);
    expect(hungry).toEqual({ message: words, error_type: 'OutOfMemoryError' });
    wrapped(await call('admin/Probe', { body: 'again' }), '"again"', 'text');
  });
});

describe('stdout', () => {
  it('comes to the owner who asks, in any spelling of true', async () => {
    for (const asked of ['true', 'True', 'TRUE']) {
      const answer = await call(`admin/Probe?stdout=${asked}`, { body: { do: 'print' } });
      // The order of the two streams is not promised.
      expect(answer.text).toMatch(/"duration":[^,]+,"stdout":"(?:to stdout\\nto stderr|to stderr\\nto stdout)\\n"}}$/);
    }
  });

  it('is left out when not asked for', async () => {
    for (const asked of ['', '?stdout=false', '?stdout=FALSE']) {
      wrapped(await call(`admin/Probe${asked}`, { body: { do: 'print' } }), '"printed"', 'text');
    }
  });
});

describe('a request that is no call', () => {
  it.each([
    ['without a key', { key: null }, 401, 'authorization required'],
    ['with an empty key', { key: null, headers: { authorization: '' } }, 401, 'authorization required'],
    ['with a key that nobody has', { key: 'simNobody' }, 401, 'the API key is not known or was revoked'],
    ['with a content type that is not supported', { type: 'image/png' }, 415, null],
    ['with broken JSON', { body: '{"a":', type: 'application/json' }, 400, null],
    ['with text that is not UTF-8', { body: Buffer.from([0xff, 0xfe]), type: 'text/plain' }, 400, null],
  ] as const)('%s is refused in shape A', async (_, options, status, message) => {
    const answer = await call('admin/Probe', { body: 'x', ...options });
    const error = failure(answer, status);
    expect(Object.keys(error)).toEqual(['message']);
    if (message !== null) expect(answer.text).toBe(`{"error":{"message":"${message}"}}`);
  });

  it.each([
    'nobody/Probe',
    'admin/Nothing',
    'admin/Nothing/',
    'admin/Probe/9.9.9',
    'admin/Probe/9',
    `admin/Probe/${'0'.repeat(40)}`,
    'admin/Probe/1.0.0/more',
    'admin',
  ])('to %s is answered 404 with the reference as sent', async (reference) => {
    const answer = await call(reference, { body: 1 });
    expect([answer.status, answer.text]).toEqual([
      404,
      `{"error":{"message":"algorithm algo://${reference} not found"}}`,
    ]);
  });

  it.each(['0', '-1', '3001', 'soon', '1e3'])('with timeout=%s is answered 400', async (timeout) => {
    expect(failure(await call(`admin/Probe?timeout=${timeout}`, { body: 1 }), 400)['message']).toContain('3000');
  });

  it('with an output that does not exist is answered 400', async () => {
    expect(failure(await call('admin/Probe?output=cooked', { body: 1 }), 400)['message']).toContain('cooked');
  });

  it('may have timeouts of a part of a second and of 3000 seconds', async () => {
    for (const timeout of ['0.9', '3000']) {
      wrapped(await call(`admin/Probe?timeout=${timeout}`, { body: 1 }), '1', 'json');
    }
  });
});

describe('the doors of the operator', () => {
  it('tell that it lives, that every hop is ready, and how it is', async () => {
    expect((await ask('GET', '/healthz', { key: null })).status).toBe(200);
    const ready = await ask('GET', '/readyz', { key: null });
    expect([ready.status, ready.json()]).toMatchObject([200, {}]);
    const metrics = await ask('GET', '/metrics', { key: null });
    expect(metrics.status).toBe(200);
    expect(metrics.text).toContain('# TYPE millrace_');
  });
});
