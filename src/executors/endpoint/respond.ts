import type { ServerResponse } from 'node:http';

/** Answers with JSON. */
export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** Answers with a failure in the shape that clients know. */
export const refuse = (response: ServerResponse, status: number, message: string): void => {
  sendJson(response, status, { error: { message } });
};
