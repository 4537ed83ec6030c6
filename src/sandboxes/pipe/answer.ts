import { limits } from '../../kernel/limits.ts';
import type { ContentType } from './request-line.ts';

/** What one line of the result pipe says. */
export type Answer =
  | { readonly kind: 'result'; readonly contentType: ContentType; readonly body: Buffer }
  | {
      readonly kind: 'error';
      readonly message: string;
      readonly errorType: string;
      readonly stacktrace: string | null;
      /** The runner ends after this answer: what broke left it in no state to go on. */
      readonly last?: true;
    }
  /** Not an answer: the runner, or the algorithm in its place, wrote something else. */
  | { readonly kind: 'garbage'; readonly why: string };

const head = Buffer.from('{"result": ');
const tailOf = (contentType: ContentType): Buffer => Buffer.from(`, "metadata": {"content_type": "${contentType}"}}`);
const tails: readonly { readonly contentType: ContentType; readonly bytes: Buffer }[] = (
  ['json', 'text', 'binary'] as const
).map((contentType) => ({ contentType, bytes: tailOf(contentType) }));

const quote = 0x22;
const backslash = 0x5c;
const [openBracket, closeBracket] = [0x5b, 0x5d];
const [openBrace, closeBrace] = [0x7b, 0x7d];

/** Anything longer that is not of our shape is refused unread: a megabyte of `{},{},{}` takes 20 ms to parse. */
const parsedBytesMax = 1024 * 1024;

/**
 * Deeper than writers of JSON go before they give up: brackets alone make a megabyte cost 100 ms and hundreds of bytes
 * of memory for each of its own.
 */
const depthMax = 10_000;

/** Whether more brackets stand open at once than anything that is parsed may have. */
const isTooDeep = (bytes: Buffer): boolean => {
  if (bytes.length <= depthMax) return false;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) isText = !isText;
    else if (isText) at += byte === backslash ? 1 : 0;
    else if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1;
  }
  return false;
};

const parseJson = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
};

const endsWith = (line: Buffer, tail: Buffer): boolean => {
  const from = line.length - tail.length;
  return from >= head.length && line.compare(tail, 0, tail.length, from) === 0;
};

/** The bytes of a JSON string's text; null when it is not a JSON string. */
const textBytes = (json: Buffer): Buffer | null => {
  if (json[0] === quote && json[json.length - 1] === quote && !json.includes(backslash)) return json.subarray(1, -1);
  try {
    const text: unknown = JSON.parse(json.toString('utf8'));
    return typeof text === 'string' ? Buffer.from(text) : null;
  } catch {
    return null;
  }
};

/** Takes the result's bytes out of a line of exactly the shape that our runners write, without parsing them. */
const cut = (line: Buffer): Answer | null => {
  if (line.length < head.length || line.compare(head, 0, head.length, 0, head.length) !== 0) return null;
  const tail = tails.find(({ bytes }) => endsWith(line, bytes));
  if (tail === undefined) return null;
  const { contentType, bytes } = tail;
  const value = line.subarray(head.length, line.length - bytes.length);
  if (contentType === 'json') {
    // It stands unparsed in what callers read, so it must be one value. Large ones would cost the neighbours too much.
    const isChecked = value.length <= limits.inlineBodyBytes;
    const isWrong = isChecked && (isTooDeep(value) || parseJson(value) === undefined);
    return isWrong ? null : { kind: 'result', contentType, body: value };
  }
  const text = textBytes(value);
  if (text === null) return null;
  return { kind: 'result', contentType, body: contentType === 'text' ? text : fromBase64(text.toString('latin1')) };
};

const fromBase64 = (text: string): Buffer => Buffer.from(text, 'base64');

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const optionalText = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const errorOf = (error: Json, last: boolean): Answer => {
  const message = optionalText(error['message']);
  if (message === null) return { kind: 'garbage', why: 'an error without a message' };
  return {
    kind: 'error',
    message,
    errorType: optionalText(error['error_type']) ?? 'AlgorithmError',
    // The .NET runner spells it differently.
    stacktrace: optionalText(error['stacktrace']) ?? optionalText(error['stack_trace']),
    ...(last ? { last } : {}),
  };
};

const resultOf = (answer: Json): Answer => {
  const metadata = answer['metadata'];
  const named = isObject(metadata) ? metadata['content_type'] : undefined;
  // A runner whose language drops undefined values leaves the result out: it is null.
  const value = answer['result'] ?? null;
  if (named === 'binary' && typeof value === 'string') {
    return { kind: 'result', contentType: 'binary', body: fromBase64(value) };
  }
  if (named === 'text' && typeof value === 'string') {
    return { kind: 'result', contentType: 'text', body: Buffer.from(value) };
  }
  if (named !== 'json' && !(named === 'text' || named === 'binary')) return { kind: 'garbage', why: 'no content type' };
  return { kind: 'result', contentType: 'json', body: Buffer.from(JSON.stringify(value)) };
};

const answerOf = (answer: unknown): Answer => {
  if (answer === undefined) return { kind: 'garbage', why: 'something that is not JSON' };
  if (!isObject(answer)) return { kind: 'garbage', why: 'JSON that is not an object' };
  const error = answer['error'];
  if (isObject(error)) return errorOf(error, answer['last'] === true);
  return 'result' in answer || 'metadata' in answer
    ? resultOf(answer)
    : { kind: 'garbage', why: 'neither result nor error' };
};

/** Reads one line (without its newline): ours as it is, anybody else's by parsing. Never throws. */
export const readAnswer = (line: Buffer): Answer => {
  const quick = cut(line);
  if (quick !== null) return quick;
  if (line.length > parsedBytesMax) return { kind: 'garbage', why: 'more than a megabyte in an unknown shape' };
  if (isTooDeep(line)) return { kind: 'garbage', why: 'JSON that is nested too deeply' };
  try {
    return answerOf(parseJson(line));
  } catch {
    // What can be parsed without recursion cannot always be written without.
    return { kind: 'garbage', why: 'JSON that is nested too deeply' };
  }
};
