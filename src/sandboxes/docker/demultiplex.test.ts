import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { demultiplex } from './demultiplex.ts';

const frame = (output: number, content: string): Buffer => {
  const bytes = Buffer.from(content);
  const header = Buffer.from([output, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
};

it('gives each output what was written to it, wherever the connection cuts the frames', async () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string()), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(frames, fc.integer({ min: 1, max: 20 }), async (written, cutBytes) => {
      const connection = new PassThrough();
      const { stdout, stderr } = demultiplex(connection);
      const both = Promise.all([text(stdout), text(stderr)]);
      const bytes = Buffer.concat(written.map(([output, content]) => frame(output, content)));
      for (let at = 0; at < bytes.length; at += cutBytes) connection.write(bytes.subarray(at, at + cutBytes));
      connection.end();
      const of = (output: number): string =>
        written
          .filter(([each]) => each === output)
          .map(([, content]) => content)
          .join('');
      expect(await both).toEqual([of(1), of(2)]);
    }),
    { numRuns: 50 },
  );
});

it('stops reading the connection while nobody reads an output, until it is told to drain', async () => {
  const connection = new PassThrough();
  const outputs = demultiplex(connection);
  for (let n = 0; n < 20; n += 1) connection.write(frame(1, 'x'.repeat(4096)));
  connection.end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(connection.isPaused()).toBe(true);
  outputs.drain();
  expect((await text(outputs.stdout)).length).toBe(20 * 4096);
});
