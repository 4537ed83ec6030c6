import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestLine } from './request-line.ts';

const parse = (line: Buffer): unknown => JSON.parse(line.toString('utf8'));

describe('a request line', () => {
  it('is one line that holds the value, however its JSON was spaced', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('', ' ', '\t', '  '), (value, indent) => {
        const json = JSON.stringify(value, null, indent).replaceAll('\n', '\r\n');
        const line = requestLine('json', Buffer.from(json));
        expect([...line].filter((byte) => byte === 0x0a || byte === 0x0d)).toEqual([0x0a]);
        expect(parse(line)).toEqual({
          content_type: typeof value === 'string' ? 'text' : 'json',
          data: JSON.parse(JSON.stringify(value)) as unknown,
        });
      }),
    );
  });

  it('leaves the body that it was given untouched', () => {
    const body = Buffer.from('{\n}');
    requestLine('json', body);
    expect(body.toString()).toBe('{\n}');
  });

  it('carries text with any character, and bytes as base64', () => {
    const text = 'a "quoted"\nline\u2028';
    expect(parse(requestLine('text', Buffer.from(text)))).toEqual({ content_type: 'text', data: text });
    expect(parse(requestLine('binary', Buffer.from([0, 1, 2])))).toEqual({ content_type: 'binary', data: 'AAEC' });
  });
});
