import { pipeline, type Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Sends text as it comes. The head leaves at once, so that a client knows that it follows before the first line. */
export const sendTextStream = (reply: FastifyReply, stream: Readable): void => {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  reply.raw.flushHeaders();
  pipeline(stream, reply.raw, () => {
    // A client that went away is no failure: both ends are closed already.
  });
};
