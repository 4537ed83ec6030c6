import type { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';

/** Reading as fast as a program can print takes half a processor from everybody's calls; this takes a seventh. */
const restEveryBytes = 1024 * 1024;
const restMs = 5;

/** What reads a stream. */
export interface SparingReader {
  /** Ends the rest; false when there is none. What the stream holds is read in the turn after the next, else in the next. */
  wake(): boolean;
}

/**
 * Calls `done` when all of them have read what their streams hold now: a pipe holds less than is read between two rests.
 */
export const catchUp = (readers: readonly SparingReader[], done: () => void): void => {
  let woken = false;
  for (const reader of readers) if (reader.wake()) woken = true;
  // A stream that is read again is looked at from the next turn on.
  setImmediate(woken ? () => setImmediate(done) : done);
};

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
    wake: () => {
      if (cancelRest === null) return false;
      goOn();
      return true;
    },
  };
};
