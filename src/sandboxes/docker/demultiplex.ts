import { PassThrough, type Readable } from 'node:stream';

/** The two outputs of a container, which the engine sends over one connection. */
export interface Outputs {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** From now on everything that still comes is taken, whether or not somebody reads it. Call it after the end. */
  drain(): void;
}

const headerBytes = 8;

/**
 * Splits the engine's stream: frames of one byte that names the output, three zeros, a length in four bytes, content.
 * While an output is not read the connection is not read either, so that a flood ends at the program that makes it.
 */
export const demultiplex = (connection: Readable): Outputs => {
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough() };
  let header = Buffer.alloc(0);
  let current = outputs.stdout;
  let missing = 0;
  let draining = false;

  const pass = (content: Buffer): void => {
    if (current.write(content) || draining) return;
    connection.pause();
    current.once('drain', () => connection.resume());
  };
  connection.on('data', (chunk: Buffer) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (missing > 0) {
        const content = rest.subarray(0, missing);
        missing -= content.length;
        rest = rest.subarray(content.length);
        pass(content);
        continue;
      }
      const wanted = headerBytes - header.length;
      header = Buffer.concat([header, rest.subarray(0, wanted)]);
      rest = rest.subarray(wanted);
      if (header.length < headerBytes) return;
      current = header[0] === 2 ? outputs.stderr : outputs.stdout;
      missing = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  });
  const end = (): void => {
    outputs.stdout.end();
    outputs.stderr.end();
  };
  connection.once('end', end);
  connection.once('close', end);
  return {
    ...outputs,
    drain: () => {
      draining = true;
      connection.resume();
    },
  };
};
