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
  readonly onGone: () => void;
}

/** A session over a language runner. `onGone` is called once, when its sandbox is gone. */
export const createRunnerSession = ({ runner, endpoint, clock, onGone }: RunnerSessionParts): Session => {
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
      reusable: runner.alive && !asksForEnd(outcome),
    };
  };

  return {
    run: async ({ request }, body, timeoutMs) => {
      const outcome = await runner.call({ contentType: request.contentType, body, timeoutMs });
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
