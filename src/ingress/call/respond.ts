import type { ServerResponse } from 'node:http';
import type { PlatformError } from '../../kernel/errors.ts';
import { retryAfterOf, statusOf } from '../http/status-of.ts';
import { type Answer, failureBody, jsonType } from './answer.ts';

/** Up to here head and body leave in one string, which Node writes in one go; larger bodies are not copied again. */
const oneWriteBytes = 16 * 1024;

/** Sends the answer. Does nothing when the caller is gone. */
export const sendAnswer = (response: ServerResponse, answer: Answer, requestId: string | null): void => {
  if (response.destroyed || response.headersSent) return;
  const headers = ['content-type', answer.contentType, 'content-length', String(answer.body.length)];
  if (requestId !== null) headers.push('x-request-id', requestId);
  response.writeHead(answer.status, headers);
  if (answer.body.length <= oneWriteBytes) response.end(answer.body.toString('latin1'), 'latin1');
  else response.end(answer.body);
};

/**
 * Ends the answer when the rest of the request was read and thrown away. Were the connection closed before, a client in
 * the middle of its body would see a reset and not the answer. The time that a request may take bounds it.
 */
const endAfterRequest = (response: ServerResponse, body: Buffer): void => {
  const { req } = response;
  response.write(body);
  req.once('end', () => response.end());
  req.resume();
};

/** Sends a failure of the call itself in shape A. What is internal is not told. */
export const sendFailure = (response: ServerResponse, error: PlatformError): void => {
  if (response.destroyed || response.headersSent) return;
  const status = statusOf(error);
  const message = error.kind === 'internal' ? 'the platform failed to handle the call' : error.message;
  const body = failureBody({ message });
  const headers = ['content-type', jsonType, 'content-length', String(body.length)];
  const retryAfter = retryAfterOf(status);
  if (retryAfter !== undefined) headers.push('retry-after', retryAfter);
  if (status === 413) headers.push('connection', 'close');
  response.writeHead(status, headers);
  if (status === 413) endAfterRequest(response, body);
  else response.end(body);
};
