import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { CliError } from './cli-error.ts';
import { type Invocation, textOption, usageError } from './command.ts';

/** What a call sends, and how its answer is printed: the same for calls of the platform and local runs. */

export interface Body {
  readonly contentType: string;
  readonly body: Uint8Array | string;
}

const typeOfFile = (file: string): string => {
  if (file.endsWith('.json')) return 'application/json';
  return file.endsWith('.txt') ? 'text/plain' : 'application/octet-stream';
};

const readStdin = async (command: string): Promise<Body> => {
  if (process.stdin.isTTY)
    throw usageError(command, 'there is no input: give --json, --text, --file, or pipe something in');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  try {
    JSON.parse(body.toString('utf8'));
    return { contentType: 'application/json', body };
  } catch {
    return { contentType: 'text/plain', body };
  }
};

/** The body that `--json`, `--text`, `--file` or standard input names. Throws a usage error of that command. */
export const chooseBody = async (command: string, { options }: Invocation): Promise<Body> => {
  const json = textOption(options, 'json');
  const text = textOption(options, 'text');
  const file = textOption(options, 'file');
  if ([json, text, file].filter((each) => each !== undefined).length > 1)
    throw usageError(command, 'give one of --json, --text and --file');
  if (json !== undefined) return { contentType: 'application/json', body: json };
  if (text !== undefined) return { contentType: 'text/plain', body: text };
  if (file === undefined) return await readStdin(command);
  return {
    contentType: typeOfFile(file),
    body: await readFile(file).catch(() => Promise.reject(new CliError(`cannot read ${file}`))),
  };
};

/** An answer as the platform gives it. */
export interface Answer {
  readonly result?: unknown;
  readonly request_id?: string;
  readonly error?: { readonly message?: string; readonly error_type?: string; readonly stacktrace?: string };
  readonly metadata?: { readonly content_type?: string };
}

/** Options that {@link chooseBody} and {@link printAnswer} read. */
export const bodyOptions = {
  json: { type: 'string' },
  text: { type: 'string' },
  file: { type: 'string' },
  timeout: { type: 'string' },
  output: { type: 'string' },
} as const;

const printResult = ({ terminal }: Invocation, answer: Answer): void => {
  if (answer.request_id !== undefined) terminal.line(answer.request_id);
  else if (answer.metadata?.content_type === 'binary') terminal.bytes(Buffer.from(String(answer.result), 'base64'));
  else if (answer.metadata?.content_type === 'text') terminal.line(String(answer.result));
  else terminal.value(answer.result);
};

/** Prints the result, or with `--output json` the whole answer. Throws what the algorithm raised. */
export const printAnswer = (invocation: Invocation, answer: Answer, otherwise: string): void => {
  const { terminal, options } = invocation;
  if (textOption(options, 'output') === 'json') terminal.value(answer);
  if (answer.error !== undefined) {
    const kind = answer.error.error_type === undefined ? '' : `${answer.error.error_type}: `;
    const trace = answer.error.stacktrace === undefined ? '' : `\n${answer.error.stacktrace}`;
    throw new CliError(`${kind}${answer.error.message ?? otherwise}${trace}`);
  }
  if (textOption(options, 'output') !== 'json') printResult(invocation, answer);
};
