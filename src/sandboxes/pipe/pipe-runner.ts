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
/** How long an answer may lack its newline at first before it is taken as it is. */
const newlineWaitMs = 20;
/** How long a runner that asked for its end may take to end by itself. */
const endGraceMs = 100;

const tooLarge: RunEnd = {
  kind: 'error',
  message: `The result is larger than ${limits.resultBodyBytes / 1024 / 1024} MiB.`,
  errorType: 'TooLargeError',
  stacktrace: null,
};

/** The call that runs. */
interface Running {
  readonly startedMs: number;
  /** How long its answer may lack its newline the next time, and whether that time runs. */
  newlineWaitMs: number;
  awaitsNewline: boolean;
  /** Ends the watch over its time. */
  cancel(): void;
  resolve(outcome: RunOutcome): void;
}

const exitEnd = ({ code, outOfMemory }: SandboxExit): RunEnd => ({ kind: 'exited', code, outOfMemory });

class PipeRunner implements Runner {
  readonly id: string;
  readonly forks: boolean;
  readonly exited: Promise<SandboxExit>;
  readonly #parts: PipeRunnerParts;
  readonly #lines = new LineReader(lineBytes);
  #running: Running | null = null;
  #alive = true;

  constructor(parts: PipeRunnerParts) {
    this.#parts = parts;
    this.id = parts.sandbox.id;
    this.forks = parts.loaded.forks;
    parts.loaded.results.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    this.exited = this.#watchExit();
  }

  get alive(): boolean {
    return this.#alive;
  }

  async call(request: RunRequest): Promise<RunOutcome> {
    if (this.#running !== null) {
      throw sandboxErrors.RUNNER_BUSY({
        message: `Sandbox ${this.id} runs a call already; a runner is strictly serial.`,
      });
    }
    return await new Promise<RunOutcome>((resolve) => {
      this.#start(request, resolve);
    });
  }

  async usage(): Promise<SandboxUsage> {
    return await this.#parts.sandbox.usage();
  }

  async stop(graceMs: number): Promise<SandboxExit> {
    this.#alive = false;
    return await this.#parts.sandbox.stop(graceMs);
  }

  #start(request: RunRequest, resolve: Running['resolve']): void {
    const { clock, sandbox } = this.#parts;
    const cancel = clock.after(request.timeoutMs, () => {
      this.#finish({ kind: 'timeout' });
      this.#end(0);
    });
    this.#running = { startedMs: clock.monotonicMs(), newlineWaitMs, awaitsNewline: false, cancel, resolve };
    if (this.#alive) sandbox.stdin.write(requestLine(request.contentType, request.body));
    else void this.exited.then((exit) => this.#finish(exitEnd(exit)));
  }

  #finish(end: RunEnd): void {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    running.cancel();
    const durationS = (this.#parts.clock.monotonicMs() - running.startedMs) / 1000;
    const { loaded } = this.#parts;
    // Runners flush before they answer, so what was printed is readable now.
    loaded.catchUp(() => {
      const { stdout, stderr } = loaded;
      running.resolve({ ...end, stdout: stdout.take(), stderr: stderr.take(), durationS });
    });
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) this.#take(line);
    if (!this.#lines.pending) return;
    if (this.#running === null) this.#violated('bytes that belong to no request');
    else if (chunk[chunk.length - 1] === 0x7d) this.#awaitNewline();
  }

  /** The original server took a value without a newline as well, so runners exist that write none. */
  #awaitNewline(): void {
    const waiting = this.#running;
    if (waiting === null || waiting.awaitsNewline) return;
    waiting.awaitsNewline = true;
    this.#parts.clock.after(waiting.newlineWaitMs, () => {
      waiting.awaitsNewline = false;
      if (waiting !== this.#running) return;
      // Each look costs what the line is long: one that looks finished again and again is looked at ever less often.
      waiting.newlineWaitMs *= 2;
      const line = this.#lines.peekUnfinished();
      if (line === null || readAnswer(line).kind === 'garbage') return;
      this.#lines.push(Buffer.from('\n')).forEach((whole) => {
        this.#take(whole);
      });
    });
  }

  #take(line: Line): void {
    if (this.#running === null) {
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
      // By the type, an algorithm asks for its own replacement.
      if (answer.last === true || answer.errorType === 'SystemExit') this.#end(endGraceMs);
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

  async #watchExit(): Promise<SandboxExit> {
    const exit = await this.#parts.sandbox.exited;
    this.#alive = false;
    this.#finish(exitEnd(exit));
    return exit;
  }
}

/** Speaks the pipe protocol with a runner that has reported ready. */
export const createPipeRunner = (parts: PipeRunnerParts): Runner => new PipeRunner(parts);
