import type { Result } from '../../kernel/contracts/contracts.gen.ts';

/** An HTTP answer as bytes. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** How the caller wants the answer, and what of it the caller may see. */
export interface AnswerView {
  readonly output: 'default' | 'raw';
  /** May read the algorithm's source: sees stack traces. */
  readonly source: boolean;
  /** Asked for stdout and owns the algorithm. */
  readonly stdout: boolean;
  /** Seconds from acceptance to now, when `timing=1` was asked; null otherwise. */
  readonly totalS: number | null;
}

/** Asserted by the vendor's clients, word for word. */
export const timeoutMessage = 'Failed to run algorithm - may have timed-out or hit out-of-memory error';

export const jsonType = 'application/json';
const nothing = Buffer.alloc(0);
const rawTypes: Readonly<Record<Result['contentType'], string>> = {
  json: jsonType,
  text: 'text/plain; charset=utf-8',
  binary: 'application/octet-stream',
  void: 'text/plain; charset=utf-8',
};

/** Microseconds are as much as a clock of this kind tells. */
const secondsText = (seconds: number): string => String(Math.round(Math.max(0, seconds) * 1e6) / 1e6);

/** Shape A: the failures of calls. `metadata` only for calls that ran. */
export const failureBody = (
  error: { readonly message: string; readonly stacktrace?: string; readonly error_type?: string },
  durationS?: number,
): Buffer => {
  const metadata = durationS === undefined ? '' : `,"metadata":{"duration":${secondsText(durationS)}}`;
  return Buffer.from(`{"error":${JSON.stringify(error)}${metadata}}`);
};

/** The answer to a call that was not run to its end in time. */
export const timeoutAnswer = (output: AnswerView['output'], durationS: number): Answer => ({
  status: output === 'raw' ? 400 : 200,
  contentType: jsonType,
  body: failureBody({ message: timeoutMessage }, durationS),
});

/** The answer to an accepted `output=void` call. */
export const voidAnswer = (requestId: string): Answer => ({
  status: 200,
  contentType: jsonType,
  body: Buffer.from(`{"async":"void","request_id":"${requestId}"}`),
});

/** The value of `result` in the wrapper: JSON is copied as it came, never parsed. */
const wrapped = (contentType: Result['contentType'], body: Buffer): Buffer => {
  if (contentType === 'json') return body;
  if (contentType === 'text') return Buffer.from(JSON.stringify(body.toString('utf8')));
  if (contentType === 'binary') return Buffer.from(`"${body.toString('base64')}"`);
  return Buffer.from('null');
};

const metadataText = (result: Result, view: AnswerView): string => {
  const durationS = secondsText(result.durationS);
  const stdout = view.stdout && result.stdout !== null ? `,"stdout":${JSON.stringify(result.stdout)}` : '';
  const timing = view.totalS === null ? '' : `,"timing":{"running":${durationS},"total":${secondsText(view.totalS)}}`;
  return `{"content_type":"${result.contentType}","duration":${durationS}${stdout}${timing}}`;
};

const succeeded = (result: Result, body: Buffer, view: AnswerView): Answer => {
  if (view.output === 'raw') return { status: 200, contentType: rawTypes[result.contentType], body };
  const value = wrapped(result.contentType, body);
  const before = Buffer.from('{"result":');
  const after = Buffer.from(`,"metadata":${metadataText(result, view)}}`);
  return { status: 200, contentType: jsonType, body: Buffer.concat([before, value, after]) };
};

const failed = (result: Result, view: AnswerView): Answer => {
  const message = result.error?.message ?? timeoutMessage;
  const stacktrace = view.source ? (result.error?.stacktrace ?? null) : null;
  const error = {
    message,
    ...(stacktrace === null ? {} : { stacktrace }),
    error_type: result.error?.errorType ?? 'SystemError',
  };
  return {
    status: view.output === 'raw' ? 400 : 200,
    contentType: jsonType,
    body: failureBody(error, result.durationS),
  };
};

/** The answer to a call that ended. `body` is the result's body, fetched when it travelled by reference. */
export const answerOf = (result: Result, body: Buffer | null, view: AnswerView): Answer => {
  switch (result.status) {
    case 'succeeded':
      return succeeded(result, body ?? nothing, view);
    case 'failed':
      return failed(result, view);
    case 'timeout':
      return timeoutAnswer(view.output, result.durationS);
  }
};
