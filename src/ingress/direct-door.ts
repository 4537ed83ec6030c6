import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BodyType, Result } from '../kernel/contracts/contracts.gen.ts';
import { asPlatformError } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { type Answer, answerOf } from './call/answer.ts';
import { checkBody, requiredBodyType } from './call/body-type.ts';
import { type CallOptions, parseCallOptions } from './call/call-options.ts';
import { callPrefix, parseCallPath } from './call/call-target.ts';
import { readBody } from './call/read-body.ts';
import { algorithmUnknown } from './call/resolve-call.ts';
import { sendAnswer, sendFailure } from './call/respond.ts';
import { ingressErrors } from './errors.ts';

/**
 * The HTTP face of calls over something that runs them at once: one algorithm, no accounts, no log. Requests and answers
 * are read and written by the code of the platform's own door, so that they are the same byte for byte.
 */
export interface DirectDoor {
  /** Answers the response. Never throws; a key that is sent is not looked at. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** A call as it came in. */
export interface DoorCall {
  readonly contentType: BodyType;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

export interface DirectDoorOptions {
  /** The one algorithm's name; any owner and any version stand for what is there. */
  readonly name: string;
  readonly run: (call: DoorCall) => Promise<Result>;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** The whole answer to a call for its author, who sees stack traces and what was printed. */
export const authorsAnswer = (result: Result): Answer =>
  answerOf(result, result.body, { output: 'default', source: true, stdout: true, totalS: null });

/** As the vendor's header would be read. Throws `INGRESS_CONTENT_TYPE_UNSUPPORTED`, `INGRESS_BAD_JSON`, `INGRESS_BAD_REQUEST`. */
export const readableBody = (contentType: string | undefined, body: Buffer): BodyType => {
  const type = requiredBodyType(contentType);
  checkBody(type, body);
  return type;
};

const checkTarget = (path: string, name: string): void => {
  if (path === '/') return;
  if (!path.startsWith(callPrefix)) {
    throw ingressErrors.RESOURCE_UNKNOWN({
      message: `there is nothing at ${path.slice(0, 200)}: call POST / or POST ${callPrefix}OWNER/${name}`,
    });
  }
  const target = parseCallPath(path);
  if (target === null || target.name.toLowerCase() !== name.toLowerCase()) {
    throw algorithmUnknown(path.slice(callPrefix.length).slice(0, 200));
  }
};

const optionsOf = (query: string): CallOptions => {
  const options = parseCallOptions(query);
  if (options.output !== 'void') return options;
  const message = 'output=void needs the platform, which keeps answers: a local run answers at once';
  throw ingressErrors.BAD_REQUEST({ message });
};

export const createDirectDoor = ({ name, run, nowMs }: DirectDoorOptions): DirectDoor => {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedMs = nowMs();
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (request.method !== 'POST') {
      const message = `${request.method ?? ''} ${path.slice(0, 200)} is not served locally: only calls are, with POST`;
      throw ingressErrors.RESOURCE_UNKNOWN({ message });
    }
    checkTarget(path, name);
    const options = optionsOf(query);
    const declared = request.headers['content-type'];
    // Before the body is read, as at the platform's door.
    requiredBodyType(declared);
    const body = await readBody(request, limits.requestBodyBytes);
    const contentType = readableBody(declared, body);
    const result = await run({ contentType, body, timeoutMs: options.timeoutS * 1000 });
    const totalS = options.timing ? (nowMs() - startedMs) / 1000 : null;
    const output = options.output === 'raw' ? 'raw' : 'default';
    sendAnswer(response, answerOf(result, result.body, { output, source: true, stdout: options.stdout, totalS }), null);
  };
  return {
    handle: (request, response) => {
      answer(request, response).catch((error: unknown) => sendFailure(response, asPlatformError(error)));
    },
  };
};
