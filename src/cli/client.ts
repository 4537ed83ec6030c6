import { CliError, exitCodes } from './cli-error.ts';

/** A client of the HTTP API like any other; the only way in which the CLI reaches the platform. */
export interface ApiClient {
  readonly address: string;
  readonly key: string;
  /** Sends JSON, gives the parsed answer; a status that is not 2xx becomes a CliError with the server's message. */
  json(method: string, path: string, body?: unknown): Promise<unknown>;
  /** As {@link json}, but null for 404. */
  find(path: string): Promise<unknown>;
  /** The bare response, whatever its status. */
  send(method: string, path: string, request?: RawRequest): Promise<Response>;
  /** The lines of a streamed text answer, until it ends or `signal` aborts. */
  lines(path: string, signal?: AbortSignal): AsyncIterable<string>;
}

export interface RawRequest {
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
}

const messageIn = (text: string): string | undefined => {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || !('error' in parsed)) return undefined;
    const { error } = parsed;
    if (typeof error === 'string') return error;
    if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
    return undefined;
  } catch {
    return undefined;
  }
};

const unreachable = (address: string, cause: unknown): CliError => {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
  return new CliError(
    `${address} does not answer (${reason}). Start the platform with: millrace up, or set MILLRACE_API to its address.`,
    exitCodes.unreachable,
  );
};

async function* splitLines(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Makes the client of the platform at `address` with an API key. */
export const createApiClient = (options: { readonly address: string; readonly key: string }): ApiClient => {
  const { address, key } = options;
  const send = async (method: string, path: string, request: RawRequest = {}): Promise<Response> => {
    const headers: Record<string, string> = { authorization: `Simple ${key}` };
    if (request.contentType !== undefined) headers['content-type'] = request.contentType;
    try {
      return await fetch(`${address}${path}`, {
        method,
        headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
    } catch (error) {
      if (request.signal?.aborted === true) throw error;
      throw unreachable(address, error);
    }
  };
  const parse = async (response: Response): Promise<unknown> => {
    const text = await response.text();
    if (!response.ok)
      throw new CliError(messageIn(text) ?? `${response.status} ${response.statusText}: ${text.slice(0, 500)}`);
    return text === '' ? null : JSON.parse(text);
  };
  const json = async (method: string, path: string, body?: unknown): Promise<unknown> =>
    await parse(
      await send(
        method,
        path,
        body === undefined ? {} : { contentType: 'application/json', body: JSON.stringify(body) },
      ),
    );
  return {
    address,
    key,
    json,
    find: async (path) => {
      const response = await send('GET', path);
      if (response.status === 404) {
        await response.body?.cancel();
        return null;
      }
      return await parse(response);
    },
    send,
    lines: async function* (path, signal) {
      const response = await send('GET', path, signal === undefined ? {} : { signal });
      if (!response.ok || response.body === null) await parse(response);
      else yield* splitLines(response.body);
    },
  };
};
