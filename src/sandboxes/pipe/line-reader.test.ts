import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Handshake } from './handshake.ts';
import { LineReader } from './line-reader.ts';
import { PrintedText } from './printed-text.ts';

const inChunks = (text: string, sizes: readonly number[]): readonly Buffer[] => {
  const chunks: Buffer[] = [];
  let rest = Buffer.from(text);
  for (const size of sizes) {
    chunks.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return [...chunks, rest];
};
const sizes = fc.array(fc.integer({ min: 0, max: 9 }));

describe('a line reader', () => {
  it('finds the same lines, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string().map((line) => line.replaceAll('\n', ''))), sizes, (lines, cuts) => {
        const reader = new LineReader(10_000);
        const found = inChunks(lines.map((line) => `${line}\n`).join(''), cuts).flatMap((chunk) => reader.push(chunk));
        expect(found.map((line) => ('bytes' in line ? line.bytes.toString() : 'too long'))).toEqual(lines);
        expect(reader.pending).toBe(false);
      }),
    );
  });

  it('drops a line above the limit and reads the next one', () => {
    const reader = new LineReader(4);
    expect(reader.push(Buffer.from('12345'))).toEqual([]);
    expect(reader.push(Buffer.from('6\nok\n'))).toEqual([{ tooLong: true }, { bytes: Buffer.from('ok') }]);
  });
});

describe('a line that comes byte by byte', () => {
  it('costs about its size', () => {
    const reader = new LineReader(10_000_000);
    const piece = Buffer.from('x');
    const begunBytes = process.memoryUsage().heapUsed;
    for (let n = 0; n < 200_000; n += 1) reader.push(piece);
    expect(process.memoryUsage().heapUsed - begunBytes).toBeLessThan(20_000_000);
    expect(reader.push(Buffer.from('\n'))).toEqual([{ bytes: Buffer.from('x'.repeat(200_000)) }]);
  });
});

describe('a handshake', () => {
  it('is seen in whatever line holds the word, and the rest is kept as printed', () => {
    fc.assert(
      fc.property(sizes, (cuts) => {
        const handshake = new Handshake();
        let done = false;
        let printed = '';
        for (const chunk of inChunks('before\n[1] "PIPE_INIT_COMPLETE"\nafter\n', cuts)) {
          const seen: { readonly done: boolean; readonly printed: Buffer } = done
            ? { done, printed: chunk }
            : handshake.push(chunk);
          done = seen.done;
          printed += seen.printed.toString();
        }
        expect([done, printed]).toEqual([true, 'before\nafter\n']);
      }),
    );
  });
});

describe('printed text', () => {
  it('keeps the beginning in whole characters and says how much is missing', () => {
    const text = new PrintedText(4);
    text.add(Buffer.from('abcü'));
    text.add(Buffer.from('more'));
    expect(text.take()).toBe('abc\n[5 more bytes were printed and not kept]\n');
    expect(text.take()).toBe('');
  });
});
