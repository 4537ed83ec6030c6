import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer } from './answer.ts';

const ours = (result: string, contentType: string): Buffer =>
  Buffer.from(`{"result": ${result}, "metadata": {"content_type": "${contentType}"}}`);

describe('an answer line', () => {
  it('of our runners gives back the bytes of the result as they are', () => {
    const body = '{"a":  1.50, "b": [1e3]}';
    expect(readAnswer(ours(body, 'json'))).toEqual({ kind: 'result', contentType: 'json', body: Buffer.from(body) });
  });

  it('of text gives the text, whatever characters it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const answer = readAnswer(ours(JSON.stringify(text), 'text'));
        expect(answer).toEqual({ kind: 'result', contentType: 'text', body: Buffer.from(text) });
      }),
    );
  });

  it('is read alike in another order and spacing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const answer = readAnswer(Buffer.from(JSON.stringify({ metadata: { content_type: 'json' }, result: value })));
        expect(answer.kind === 'result' ? JSON.parse(answer.body.toString()) : answer).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  it('that holds our ending inside its result is not cut there', () => {
    const text = '", "metadata": {"content_type": "json"}}';
    expect(readAnswer(ours(JSON.stringify(text), 'text'))).toMatchObject({ body: Buffer.from(text) });
  });

  it('without a result is null, with an error is that error', () => {
    expect(readAnswer(Buffer.from('{"metadata":{"content_type":"json"}}'))).toMatchObject({
      body: Buffer.from('null'),
    });
    expect(readAnswer(Buffer.from('{"error":{"message":"m","error_type":null,"stack_trace":"s"}}'))).toEqual({
      kind: 'error',
      message: 'm',
      errorType: 'AlgorithmError',
      stacktrace: 's',
    });
    expect(readAnswer(Buffer.from('{"error":{"message":"m"},"last":true}'))).toMatchObject({
      kind: 'error',
      last: true,
    });
  });

  it('that is anything else is garbage, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(['garbage', 'error', 'result']).toContain(readAnswer(Buffer.from(bytes)).kind);
      }),
    );
    const deep = `{"metadata":{"content_type":"json"},"result":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const two = '{"result": 1}, {"x": 2, "metadata": {"content_type": "json"}}';
    const long = `{"a": [${'{},'.repeat(500_000)}0], "result": 1, "metadata": {"content_type":"json"}}`;
    for (const line of [deep, two, long]) expect(readAnswer(Buffer.from(line)).kind).toBe('garbage');
    for (const line of ['', '[]', '{}', '{"error":{}}', '{"result":1}', '{"result": 1, "metadata": {}}', 'null']) {
      expect(readAnswer(Buffer.from(line)).kind).toBe('garbage');
    }
  });
});
