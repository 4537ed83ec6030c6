import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text as collect } from 'node:stream/consumers';
import { repository } from './e2e-process.ts';

/** An answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body parsed; throws when it is not JSON. */
  json(): unknown;
}

export interface AskOptions {
  readonly key?: string | null;
  /** An object or array is sent as JSON, text and bytes as they are. */
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly key?: string;
  readonly cwd?: string;
  readonly input?: string;
  readonly address?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Paths and their text. */
export type SourceFiles = Readonly<Record<string, string>>;

/** A client of the platform through its public doors. */
export interface E2eClient {
  readonly address: string;
  readonly adminKey: string;
  /** Any route. */
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<WireAnswer>;
  /** `POST /v1/algo/{reference}`. */
  readonly call: (reference: string, options?: AskOptions) => Promise<WireAnswer>;
  /** Runs the CLI to its end. */
  readonly cli: (words: readonly string[], options?: CliOptions) => Promise<CliRun>;
  /** Deploys files as an algorithm of the key's account (default: the administrator's); throws with the log when that fails. */
  readonly deploy: (files: SourceFiles, words?: readonly string[], options?: CliOptions) => Promise<Deployed>;
}

export interface Deployed {
  readonly reference: string;
  readonly version: string | null;
  readonly build: string;
}

const bodyOf = ({ body, type }: AskOptions): { readonly bytes?: Buffer; readonly type?: string } => {
  if (body === undefined) return type === undefined ? {} : { type };
  if (Buffer.isBuffer(body)) return { bytes: body, type: type ?? 'application/octet-stream' };
  if (typeof body === 'string') return { bytes: Buffer.from(body), type: type ?? 'text/plain' };
  return { bytes: Buffer.from(JSON.stringify(body)), type: type ?? 'application/json' };
};

/** Writes the files into a new folder, runs `use` with it and removes it. */
export const withFolder = async <Result>(
  files: SourceFiles,
  use: (folder: string) => Promise<Result>,
): Promise<Result> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Runs the CLI with its output piped. */
export const runCli = async (
  words: readonly string[],
  variables: Readonly<Record<string, string>>,
  { cwd = repository, input = '' }: CliOptions = {},
): Promise<CliRun> => {
  const child = spawn(process.execPath, [join(repository, 'src/cli/main.ts'), ...words], {
    cwd,
    env: { PATH: process.env['PATH'], ...variables },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => {
    // A command that reads no input may end before it was written.
  });
  child.stdin.end(input);
  const [code, stdout, stderr] = await Promise.all([
    once(child, 'close').then(([each]: unknown[]) => each),
    collect(child.stdout),
    collect(child.stderr),
  ]);
  return { code: Number(code), stdout, stderr };
};

/** Makes the client of a running platform. */
export const createE2eClient = (options: { readonly address: string; readonly adminKey: string }): E2eClient => {
  const { address, adminKey } = options;
  const ask: E2eClient['ask'] = async (method, path, asked = {}) => {
    const { bytes, type } = bodyOf(asked);
    const key = asked.key === undefined ? adminKey : asked.key;
    const response = await fetch(`${address}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Simple ${key}` }),
        ...(type === undefined ? {} : { 'content-type': type }),
        ...asked.headers,
      },
      ...(bytes === undefined ? {} : { body: new Uint8Array(bytes) }),
    });
    const answer = Buffer.from(await response.arrayBuffer());
    const text = answer.toString('utf8');
    return {
      status: response.status,
      headers: response.headers,
      bytes: answer,
      text,
      json: (): unknown => JSON.parse(text),
    };
  };
  const cli: E2eClient['cli'] = async (words, asked = {}) =>
    await runCli(
      words,
      { MILLRACE_API: asked.address ?? address, MILLRACE_API_KEY: asked.key ?? adminKey, ...asked.variables },
      asked,
    );
  return {
    address,
    adminKey,
    ask,
    call: async (reference, asked) => await ask('POST', `/v1/algo/${reference}`, asked),
    cli,
    deploy: async (files, words = [], asked = {}) =>
      await withFolder(files, async (folder) => {
        const run = await cli(['deploy', folder, '--json', ...words], asked);
        if (run.code !== 0) throw new Error(`deploy ended with ${run.code}:\n${run.stderr}`);
        // `as`: what the CLI prints with --json.
        return JSON.parse(run.stdout) as Deployed;
      }),
  };
};

/** Asks until `settled` gives something else than undefined; throws after `withinMs` with what was seen last. */
export const eventually = async <Value>(
  settled: () => Promise<Value | undefined>,
  { withinMs = 20_000, what = 'it' }: { readonly withinMs?: number; readonly what?: string } = {},
): Promise<Value> => {
  const until = performance.now() + withinMs;
  for (;;) {
    const value = await settled();
    if (value !== undefined) return value;
    if (performance.now() > until) throw new Error(`${what} did not happen within ${withinMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
