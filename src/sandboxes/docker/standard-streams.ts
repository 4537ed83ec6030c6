import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { PipeStock } from '../process/pipe-stock.ts';
import type { Mount } from '../sandbox.ts';

/**
 * The standard streams of a container as named pipes. Through the engine's own connection, what a program prints would
 * come after the answer that it gives next, and every line in and out would cross two more processes.
 */
export interface StandardStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The pipes, at the places from which `streamedCommand` opens them. */
  readonly mounts: readonly Mount[];
  /** After the end of every process inside: the outputs end, once what is in them was read. */
  finish(): void;
}

const names = ['stdin', 'stdout', 'stderr'] as const;
const placeOf = (name: (typeof names)[number]): string => `/run/millrace.${name}`;

/** Words before a command that give it its streams; with a gate it waits for a line of its stdin first. */
export const streamed = (gate: boolean): readonly string[] => [
  '/bin/sh',
  '-c',
  // A pipe that nobody holds for writing any more (the sandbox was stopped meanwhile) would not open for reading, so it
  // is opened for both first. `read` takes byte by byte and leaves what follows the line to the program.
  `exec 3<>${placeOf('stdin')} <${placeOf('stdin')} 3>&- >${placeOf('stdout')} 2>${placeOf('stderr')}; ${gate ? 'read -r up || exit 125; ' : ''}exec "$@"`,
  'sh',
];

const ignore = (): void => {};

/** Opened for both ways, so that it opens before anybody else has it. */
const openBoth = (path: string): number => openSync(path, constants.O_RDWR | constants.O_NONBLOCK);

/** While the keeper is open, a reader sees no end. */
const openOutput = (path: string) => {
  const keeper = openBoth(path);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stream = new Socket({ fd, readable: true, writable: false });
  stream.on('error', ignore);
  return {
    stream,
    finish: () => {
      closeSync(keeper);
      // What nobody ever reads must not stay open.
      if (stream.readableFlowing === null && stream.listenerCount('readable') === 0) stream.resume();
    },
  };
};

/** Makes and opens the pipes in `folder`. */
export const openStandardStreams = async (pipes: PipeStock, folder: string): Promise<StandardStreams> => {
  for (const name of names) await pipes.take(join(folder, name));
  const stdin = new Socket({ fd: openBoth(join(folder, 'stdin')), readable: false, writable: true });
  stdin.on('error', ignore);
  const [stdout, stderr] = [openOutput(join(folder, 'stdout')), openOutput(join(folder, 'stderr'))];
  return {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    mounts: names.map((name) => ({ source: join(folder, name), target: placeOf(name), writable: false })),
    finish: () => {
      stdin.destroy();
      stdout.finish();
      stderr.finish();
    },
  };
};
