import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createVirtualClock } from '../../../test/helpers/virtual-clock.ts';
import { catchUp, readSparingly } from './sparing-reader.ts';

const open = () => {
  const clock = createVirtualClock();
  const stream = new PassThrough({ highWaterMark: 64 * 1024 });
  let readBytes = 0;
  const reader = readSparingly(stream, clock, (chunk) => {
    readBytes += chunk.length;
  });
  const print = (mebibytes: number): void => {
    for (let n = 0; n < mebibytes * 16; n += 1) stream.write(Buffer.alloc(64 * 1024));
  };
  return { clock, print, reader, mebibytes: () => readBytes / 2 ** 20 };
};

it('reads a mebibyte, rests, and reads on', async () => {
  const { clock, print, mebibytes } = open();
  print(3);
  await setImmediate();
  expect(mebibytes()).toBe(1);
  await clock.advance(5);
  await setImmediate();
  expect(mebibytes()).toBe(2);
});

it('reads what there is while it rests when somebody waits for it', async () => {
  const { print, reader, mebibytes } = open();
  print(1.5);
  await setImmediate();
  expect(mebibytes()).toBe(1);
  await new Promise<void>((done) => catchUp([reader], done));
  expect(mebibytes()).toBe(1.5);
});
