import type { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import { sandboxErrors } from '../errors.ts';
import type { Sandbox } from '../sandbox.ts';
import { readAnswer } from './answer.ts';
import { Handshake } from './handshake.ts';
import { PrintedText } from './printed-text.ts';
import { catchUp, readSparingly } from './sparing-reader.ts';

/** What a loaded runner printed so far; it belongs to the first call. The streams go on filling it. */
export interface Loaded {
  readonly results: Readable;
  readonly stdout: PrintedText;
  readonly stderr: PrintedText;
  /** Calls `done` when both hold what was printed before: no promise, because each call asks. */
  catchUp(done: () => void): void;
  /** See `Runner.forks`. */
  readonly forks: boolean;
}

type LoadEnd = 'ready' | 'timeout' | 'exited' | { readonly early: Buffer };

const logLines = 60;

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-logLines).join('\n');

interface Listening extends Pick<Loaded, 'stdout' | 'stderr' | 'catchUp'> {
  readonly handshake: Handshake;
}

/** Copies what is printed into two texts (standard error into both) and calls `ready` at the handshake. */
const listen = (sandbox: Sandbox, clock: Clock, ready: () => void): Listening => {
  const stdout = new PrintedText(limits.logBytesPerRun);
  const stderr = new PrintedText(limits.logBytesPerRun);
  const handshake = new Handshake();
  let loading = true;
  const outReader = readSparingly(sandbox.stdout, clock, (chunk) => {
    if (!loading) {
      stdout.add(chunk);
      return;
    }
    const { done, printed } = handshake.push(chunk);
    stdout.add(printed);
    if (!done) return;
    loading = false;
    ready();
  });
  const errorReader = readSparingly(sandbox.stderr, clock, (chunk) => {
    stderr.add(chunk);
    stdout.add(chunk);
  });
  const readers = [outReader, errorReader];
  return { handshake, stdout, stderr, catchUp: (done) => catchUp(readers, done) };
};

const reasonOf = async (end: Exclude<LoadEnd, 'ready'>, sandbox: Sandbox, timeoutMs: number): Promise<string> => {
  if (end === 'timeout') return `it did not report ready within ${timeoutMs / 1000} s`;
  if (end === 'exited') {
    const { code, outOfMemory } = await sandbox.exited;
    return outOfMemory
      ? 'it needed more memory than it may use'
      : `its process ended with exit code ${code ?? 'unknown'}`;
  }
  // Runners of other languages report a failing load as an answer to no request.
  const answer = readAnswer(Buffer.from(end.early.toString('utf8').trim()));
  return answer.kind === 'error' ? answer.message : 'it answered before any request';
};

/** Waits for the handshake. Throws `SANDBOX_LOAD_FAILED` and ends the sandbox when something else comes first. */
export const loadRunner = async (
  sandbox: Sandbox,
  { loadTimeoutMs, clock }: { readonly loadTimeoutMs: number; readonly clock: Clock },
): Promise<Loaded> => {
  const { results } = sandbox;
  if (results === null) {
    await sandbox.stop(0);
    throw sandboxErrors.LOAD_FAILED({
      message: `Sandbox ${sandbox.id} has no result channel, so no runner can answer in it.`,
    });
  }
  const { promise, resolve } = Promise.withResolvers<LoadEnd>();
  const { handshake, ...printed } = listen(sandbox, clock, () => {
    resolve('ready');
  });
  const early = (chunk: Buffer): void => {
    resolve({ early: chunk });
  };
  results.on('data', early);
  void sandbox.exited.then(() => {
    resolve('exited');
  });
  const cancel = clock.after(loadTimeoutMs, () => {
    resolve('timeout');
  });
  const end = await promise;
  cancel();
  results.off('data', early);
  if (end === 'ready') return { results, ...printed, forks: handshake.forks };
  const reason = await reasonOf(end, sandbox, loadTimeoutMs);
  await sandbox.stop(0);
  await new Promise<void>((done) => printed.catchUp(done));
  printed.stdout.add(handshake.rest());
  const log = lastLines(printed.stdout.take());
  throw sandboxErrors.LOAD_FAILED({
    message: `The algorithm did not load: ${reason}.${log === '' ? ' It printed nothing.' : ` It printed:\n${log}`}`,
    details: { log, reason, sandbox: sandbox.id },
  });
};
