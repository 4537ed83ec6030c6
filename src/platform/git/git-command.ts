import { spawn } from 'node:child_process';
import { PassThrough, type Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { gitErrors } from './errors.ts';

/** One run of the `git` binary on one repository. */
export interface GitCommand {
  /** The bare repository's folder; never searched for. */
  readonly repository: string;
  readonly args: readonly string[];
  readonly input?: string;
  /** Default: the repository. */
  readonly cwd?: string;
  /** Variables beside the fixed ones, for example `GIT_INDEX_FILE`. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface GitResult {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const timeoutMs = 120_000;

/** No hooks, no filters, no configuration but ours, no prompts: content is data, whoever sent it. */
const fixedArgs = [
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.symlinks=true',
  '-c',
  'core.autocrlf=false',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.fsync=committed,reference',
  '-c',
  'gc.auto=0',
] as const;

const fixedEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
} as const;

const start = (command: GitCommand) =>
  spawn('git', [...fixedArgs, ...command.args], {
    cwd: command.cwd ?? command.repository,
    env: { ...fixedEnv, ...command.env, GIT_DIR: command.repository },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });

type Child = ReturnType<typeof start>;

const statusOf = async (child: Child): Promise<number> =>
  await new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      const message = 'The git program could not be started: install git on this machine.';
      reject(gitErrors.FAILED({ message, cause }));
    });
    child.once('close', (code) => resolve(code ?? 128));
  });

const feed = (child: Child, input: string | undefined): void => {
  // A program that ends early closes its input: its status tells why.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
};

/** Runs git and waits. Throws `GIT_FAILED` only when it cannot be started. */
export const tryGit = async (command: GitCommand): Promise<GitResult> => {
  const child = start(command);
  const ended = statusOf(child);
  feed(child, command.input);
  const [status, stdout, stderr] = await Promise.all([ended, buffer(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
};

const failed = (command: GitCommand, status: number, stderr: string) =>
  gitErrors.FAILED({
    message: `git ${command.args[0] ?? ''} ended with status ${status}: ${stderr.trim().slice(-500)}`,
    details: { status },
  });

/** As {@link tryGit}, but throws `GIT_FAILED` for any status but 0. */
export const runGit = async (command: GitCommand): Promise<Buffer> => {
  const { status, stdout, stderr } = await tryGit(command);
  if (status !== 0) throw failed(command, status, stderr);
  return stdout;
};

/** As {@link runGit}, handing the output over as a stream. */
export const streamGit = async (command: GitCommand, take: (output: Readable) => Promise<void>): Promise<void> => {
  const child = start(command);
  const ended = statusOf(child);
  feed(child, command.input);
  const stderr = text(child.stderr);
  // Piped at once: Node throws away what nobody reads yet when the program ends.
  const output = new PassThrough();
  const piped = pipeline(child.stdout, output);
  const taken = take(output).catch((error: unknown) => {
    child.kill('SIGKILL');
    output.destroy();
    throw error;
  });
  const [status, read] = await Promise.allSettled([ended, taken, piped]);
  if (status.status === 'rejected') throw status.reason;
  if (read.status === 'rejected') throw read.reason;
  if (status.value !== 0) throw failed(command, status.value, await stderr);
};
