import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { CliError } from '../cli-error.ts';
import { type Command, type Invocation, parseReference, textOption, usageError } from '../command.ts';

const help = `Usage: millrace call OWNER/ALGO[/VERSION] [--json JSON | --text TEXT | --file FILE | < FILE]

Calls an algorithm and prints its result. VERSION is a semantic version (1.2.0, 1.2, 1) or a build hash.

  --json JSON      send JSON
  --text TEXT      send text
  --file FILE      send the bytes of a file (.json as JSON, .txt as text, else binary)
  --timeout S      seconds to wait at most (default 300)
  --void           do not wait: prints the request id (see: millrace request ID)
  --output json    print the whole answer with its metadata
Without any of these the body is read from standard input (JSON when it parses, else text).`;

interface Body {
  readonly contentType: string;
  readonly body: Uint8Array | string;
}

const typeOfFile = (file: string): string => {
  if (file.endsWith('.json')) return 'application/json';
  return file.endsWith('.txt') ? 'text/plain' : 'application/octet-stream';
};

const readStdin = async (): Promise<Body> => {
  if (process.stdin.isTTY)
    throw usageError('call', 'there is no input: give --json, --text, --file, or pipe something in');
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

const chooseBody = async ({ options }: Invocation): Promise<Body> => {
  const json = textOption(options, 'json');
  const text = textOption(options, 'text');
  const file = textOption(options, 'file');
  if ([json, text, file].filter((each) => each !== undefined).length > 1)
    throw usageError('call', 'give one of --json, --text and --file');
  if (json !== undefined) return { contentType: 'application/json', body: json };
  if (text !== undefined) return { contentType: 'text/plain', body: text };
  if (file === undefined) return await readStdin();
  return {
    contentType: typeOfFile(file),
    body: await readFile(file).catch(() => Promise.reject(new CliError(`cannot read ${file}`))),
  };
};

interface Answer {
  readonly result?: unknown;
  readonly request_id?: string;
  readonly error?: { readonly message?: string; readonly error_type?: string; readonly stacktrace?: string };
  readonly metadata?: { readonly content_type?: string };
}

const printResult = ({ terminal }: Invocation, answer: Answer): void => {
  if (answer.request_id !== undefined) terminal.line(answer.request_id);
  else if (answer.metadata?.content_type === 'binary') terminal.bytes(Buffer.from(String(answer.result), 'base64'));
  else if (answer.metadata?.content_type === 'text') terminal.line(String(answer.result));
  else terminal.value(answer.result);
};

export const callCommand: Command = {
  name: 'call',
  summary: 'call an algorithm',
  help,
  options: {
    json: { type: 'string' },
    text: { type: 'string' },
    file: { type: 'string' },
    timeout: { type: 'string' },
    void: { type: 'boolean' },
    output: { type: 'string' },
  },
  run: async (invocation) => {
    const { client, terminal, words, options } = invocation;
    const { owner, name, version } = parseReference('call', words[0]);
    const body = await chooseBody(invocation);
    const query = new URLSearchParams();
    const timeout = textOption(options, 'timeout');
    if (timeout !== undefined) query.set('timeout', timeout);
    if (options['void'] === true) query.set('output', 'void');
    const path = `/v1/algo/${[owner, name, ...(version === null ? [] : [version])].map(encodeURIComponent).join('/')}?${query.toString()}`;
    const response = await client.send('POST', path, body);
    const answer = (await response.json()) as Answer;
    if (textOption(options, 'output') === 'json') terminal.value(answer);
    if (answer.error !== undefined) {
      const kind = answer.error.error_type === undefined ? '' : `${answer.error.error_type}: `;
      const trace = answer.error.stacktrace === undefined ? '' : `\n${answer.error.stacktrace}`;
      throw new CliError(`${kind}${answer.error.message ?? response.statusText}${trace}`);
    }
    if (textOption(options, 'output') !== 'json') printResult(invocation, answer);
  },
};
