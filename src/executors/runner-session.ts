import type { Clock } from '../kernel/clock.ts';
import type { Runner, RunOutcome } from '../sandboxes/run.ts';
import type { Endpoint } from './endpoint/endpoint.ts';
import { exitError, outOfMemoryError, raisedError, timeoutError } from './run-error.ts';
import { createSandboxMeter, type RunUsage } from './sandbox-meter.ts';
import type { RunEnd, Session } from './session.ts';

type Verdict = Pick<RunEnd, 'status' | 'error' | 'contentType' | 'body'>;

const failed = (error: RunEnd['error']): Verdict => ({ status: 'failed', error, contentType: 'void', body: null });

const verdictOf = (outcome: RunOutcome): Verdict => {
  switch (outcome.kind) {
    case 'result':
      return { status: 'succeeded', error: null, contentType: outcome.contentType, body: outcome.body };
    case 'error':
      return failed(raisedError(outcome));
    case 'exited':
      return failed(outcome.outOfMemory ? outOfMemoryError : exitError(outcome.code));
    case 'timeout':
      return { status: 'timeout', error: timeoutError, contentType: 'void', body: null };
  }
};

/** An algorithm that answers with this asks for a fresh sandbox. */
const asksForEnd = (outcome: RunOutcome): boolean => outcome.kind === 'error' && outcome.errorType === 'SystemExit';

export interface RunnerSessionParts {
  readonly runner: Runner;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  /** No second call may enter the sandbox. */
  readonly singleUse: boolean;
  readonly onGone: () => void;
}

/** A session over a language runner. `onGone` is called once, when its sandbox is gone. */
export const createRunnerSession = (parts: RunnerSessionParts): Session => {
  const { runner, endpoint, clock, singleUse, onGone } = parts;
  let running = false;
  // Code of an earlier call that asks while nobody runs here ends the sandbox; otherwise the call that runs is its last.
  void endpoint.leftoverHeard.then(() => {
    if (!running) void runner.stop(0);
  });
  const meter = createSandboxMeter(clock, async () => await runner.usage());

  const endOf = (outcome: RunOutcome, usage: RunUsage): RunEnd => {
    const { status, error, contentType, body } = verdictOf(outcome);
    return {
      status,
      durationS: outcome.durationS,
      cpuS: usage.cpuS,
      memoryPeakBytes: usage.memoryPeakBytes,
      stdout: outcome.stdout,
      stderr: outcome.stderr,
      error,
      contentType,
      body,
      metrics: endpoint.takeMetrics(),
      reusable: runner.alive && !singleUse && !asksForEnd(outcome) && !endpoint.leftover,
    };
  };

  return {
    run: async (call, body, timeoutMs, chaining) => {
      const { request } = call;
      endpoint.begin(chaining ?? null);
      running = true;
      const outcome = await runner.call({ contentType: request.contentType, body, timeoutMs });
      endpoint.end();
      running = false;
      const usage = meter.runEnded(outcome.durationS);
      return endOf(outcome, usage instanceof Promise ? await usage : usage);
    },
    get alive() {
      return runner.alive;
    },
    exited: runner.exited.then(onGone),
    memoryBytes: async () => await meter.read(),
    close: async (graceMs) => {
      await runner.stop(graceMs);
    },
  };
};
