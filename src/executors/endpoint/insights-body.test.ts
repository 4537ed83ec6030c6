import { describe, expect, it } from 'vitest';
import { parseInsights } from './insights-body.ts';

const entry = (insight_key: unknown, insight_value: unknown) => ({ insight_key, insight_value });
const parse = (value: unknown) => parseInsights(JSON.stringify(value));

describe('what an algorithm reports', () => {
  it('keeps numbers, texts and truth values, and makes JSON of the rest', () => {
    const metrics = { a: 1.5, b: 'x', c: true, d: '[1]', e: 'null' };
    expect(parse([entry('a', 1.5), entry('b', 'x'), entry('c', true), entry('d', [1]), entry('e', null)])).toEqual({
      kind: 'metrics',
      metrics,
    });
  });

  it('is refused when it is no array of entries or takes a reserved name', () => {
    for (const wrong of [{}, [1], [{}], [entry(1, 1)], [entry('', 1)], [entry('timestamp', 1)]]) {
      expect(parse(wrong).kind).toBe('refused');
    }
    expect(parseInsights('[').kind).toBe('refused');
  });
});
