import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { sandboxErrors } from '../errors.ts';
import type { RunEnd, Runner, RunOutcome, RunRequest } from '../run.ts';
import type { Sandbox, SandboxExit, SandboxUsage } from '../sandbox.ts';
import { readAnswer } from './answer.ts';
import { type Line, LineReader } from './line-reader.ts';
import type { Loaded } from './load.ts';
import { requestLine } from './request-line.ts';

export interface PipeRunnerParts {
  readonly sandbox: Sandbox;
  readonly loaded: Loaded;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Binary results travel as base64, JSON may escape each character; beyond this a line cannot be an allowed result. */
const lineBytes = 2 * limits.resultBodyBytes;
/** How long an answer may lack its newline before it is taken as it is. */
const newlineWaitMs = 20;
/** How long a runner that asked for its end may take to end by itself. */
const endGraceMs = 100;

const tooLarge: RunEnd = {
  kind: 'error',
  message: `The result is larger than ${limits.resultBodyBytes / 1024 / 1024} MiB.`,
  errorType: 'TooLargeError',
  stacktrace: null,
};

class PipeRunner implements Runner {
  readonly id: string;
  readonly exited: Promise<SandboxExit>;
  readonly #parts: PipeRunnerParts;
  readonly #lines = new LineReader(lineBytes);
  #settle: ((end: RunEnd) => void) | null = null;
  #alive = true;

  constructor(parts: PipeRunnerParts) {
    this.#parts = parts;
    this.id = parts.sandbox.id;
    parts.loaded.results.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    this.exited = this.#watchExit();
  }

  get alive(): boolean {
    return this.#alive;
  }

  async call(request: RunRequest): Promise<RunOutcome> {
    if (this.#settle !== null) {
      throw sandboxErrors.RUNNER_BUSY({
        message: `Sandbox ${this.id} runs a call already; a runner is strictly serial.`,
      });
    }
    const { clock, sandbox } = this.#parts;
    const startedMs = clock.monotonicMs();
    const end = this.#alive ? await this.#run(request, clock, sandbox) : await this.#exitEnd();
    const durationS = (clock.monotonicMs() - startedMs) / 1000;
    // Runners flush before they answer, so what was printed is readable now: one turn of the event loop reads it.
    await setImmediate();
    const { stdout, stderr } = this.#parts.loaded;
    return { ...end, stdout: stdout.take(), stderr: stderr.take(), durationS };
  }

  async usage(): Promise<SandboxUsage> {
    return await this.#parts.sandbox.usage();
  }

  async stop(graceMs: number): Promise<SandboxExit> {
    this.#alive = false;
    return await this.#parts.sandbox.stop(graceMs);
  }

  async #run(request: RunRequest, clock: Clock, sandbox: Sandbox): Promise<RunEnd> {
    const { promise, resolve } = Promise.withResolvers<RunEnd>();
    this.#settle = resolve;
    const cancel = clock.after(request.timeoutMs, () => {
      this.#finish({ kind: 'timeout' });
      this.#end(0);
    });
    sandbox.stdin.write(requestLine(request.contentType, request.body));
    const end = await promise;
    cancel();
    return end;
  }

  #finish(end: RunEnd): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(end);
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) this.#take(line);
    if (!this.#lines.pending) return;
    if (this.#settle === null) this.#violated('bytes that belong to no request');
    else if (chunk[chunk.length - 1] === 0x7d) this.#awaitNewline();
  }

  /** The original server took a value without a newline as well, so runners exist that write none. */
  #awaitNewline(): void {
    const waiting = this.#settle;
    this.#parts.clock.after(newlineWaitMs, () => {
      if (waiting === null || waiting !== this.#settle) return;
      const line = this.#lines.peekUnfinished();
      if (line === null || readAnswer(line).kind === 'garbage') return;
      this.#lines.push(Buffer.from('\n')).forEach((whole) => {
        this.#take(whole);
      });
    });
  }

  #take(line: Line): void {
    if (this.#settle === null) {
      // An empty line is the late newline of an answer that was taken without it.
      if ('bytes' in line && line.bytes.length === 0) return;
      this.#violated('an answer that nobody asked for');
      return;
    }
    this.#finish('tooLong' in line ? tooLarge : this.#endOf(line.bytes));
  }

  #endOf(bytes: Buffer): RunEnd {
    const answer = readAnswer(bytes);
    if (answer.kind === 'result') return answer.body.length > limits.resultBodyBytes ? tooLarge : answer;
    if (answer.kind === 'error') {
      // An algorithm asks for its own replacement this way.
      if (answer.errorType === 'SystemExit') this.#end(endGraceMs);
      return answer;
    }
    this.#violated(answer.why);
    return {
      kind: 'error',
      message: `The algorithm's process wrote ${answer.why} where its answer was expected.`,
      errorType: 'SystemExit',
      stacktrace: null,
    };
  }

  #violated(what: string): void {
    if (this.#alive) this.#parts.logger.warn({ event: 'runner.protocol-broken', sandbox: this.id, wrote: what });
    this.#end(0);
  }

  #end(graceMs: number): void {
    this.#alive = false;
    void this.#parts.sandbox.stop(graceMs);
  }

  async #exitEnd(): Promise<RunEnd> {
    const { code, outOfMemory } = await this.exited;
    return { kind: 'exited', code, outOfMemory };
  }

  async #watchExit(): Promise<SandboxExit> {
    const exit = await this.#parts.sandbox.exited;
    this.#alive = false;
    this.#finish({ kind: 'exited', code: exit.code, outOfMemory: exit.outOfMemory });
    return exit;
  }
}

/** Speaks the pipe protocol with a runner that has reported ready. */
export const createPipeRunner = (parts: PipeRunnerParts): Runner => new PipeRunner(parts);
