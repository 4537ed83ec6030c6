import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';

/** Reading as fast as a program can print takes half a processor from everybody's calls; this takes a seventh. */
const restEveryBytes = 1024 * 1024;
const restMs = 5;

/** What reads a stream. */
export interface SparingReader {
  /** Resolves when what the stream holds now was read: a pipe holds less than is read between two rests. Never rejects. */
  catchUp(): Promise<void>;
}

/** Reads what a program prints, however much, and rests now and then: meanwhile the program waits, not the platform. */
export const readSparingly = (stream: Readable, clock: Clock, take: (chunk: Buffer) => void): SparingReader => {
  let sinceRestBytes = 0;
  let cancelRest: (() => void) | null = null;
  const goOn = (): void => {
    cancelRest?.();
    cancelRest = null;
    sinceRestBytes = 0;
    stream.resume();
  };
  stream.on('data', (chunk: Buffer) => {
    take(chunk);
    sinceRestBytes += chunk.length;
    if (sinceRestBytes < restEveryBytes || cancelRest !== null) return;
    stream.pause();
    cancelRest = clock.after(restMs, goOn);
  });
  return {
    catchUp: async () => {
      if (cancelRest !== null) {
        goOn();
        // It is looked at again from the next turn on.
        await setImmediate();
      }
      await setImmediate();
    },
  };
};
