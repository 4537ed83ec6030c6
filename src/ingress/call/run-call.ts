import type { ServerResponse } from 'node:http';
import type { Accounts } from '../../accounts/accounts.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import type { WaitingCalls } from '../replies/waiting.ts';
import type { AcceptedRequest } from './accept-call.ts';
import type { Admission, Admitted } from './admission.ts';
import { type AnswerView, voidAnswer } from './answer.ts';
import type { CallMetrics } from './call-metrics.ts';
import type { CallTrees } from './call-trees.ts';
import { parkedCall } from './parked-call.ts';
import type { CallPublisher, OutgoingCall } from './publish-call.ts';
import { seesSource } from './resolve-call.ts';
import { sendAnswer } from './respond.ts';
import type { StoredResults } from './stored-answer.ts';

export interface CallRunnerOptions {
  readonly accounts: Accounts;
  readonly admission: Admission;
  readonly waiting: WaitingCalls;
  readonly stored: StoredResults;
  readonly publisher: CallPublisher;
  readonly metrics: CallMetrics;
  readonly trees: CallTrees;
  readonly clock: Clock;
  /** Partition of the results topic that this replica reads. */
  readonly replyPartition: number;
  /** Pool of builds that name none. */
  readonly defaultPool: string;
}

/** Publishes accepted calls and answers them. */
export interface CallRunner {
  /** How the answer to a call is to look. */
  viewOf(call: AcceptedRequest): AnswerView;
  /**
   * Publishes the call. Its response is parked, or answered when the request is in the log (void calls). Throws what
   * keeps the call out at once, and tells `refused` what keeps it out later, with nothing left behind.
   */
  run(call: AcceptedRequest, response: ServerResponse, refused: (error: Error) => void): void;
}

type Run = (call: AcceptedRequest, place: Admitted, response: ServerResponse, refused: (error: Error) => void) => void;

/** An executor answers a call at its deadline; its answer is given this long to arrive. */
const answerGraceMs = 1_000;

const createViews = ({ accounts, clock }: CallRunnerOptions) => {
  const ownsAlgorithm = ({ caller, resolved }: AcceptedRequest): boolean =>
    accounts.belongsTo(caller.account.name, resolved.algorithm.owner);
  const sinceS = (call: AcceptedRequest): number => (clock.monotonicMs() - call.startedMs) / 1000;
  const wantsStdout = (call: AcceptedRequest): boolean => call.options.stdout && ownsAlgorithm(call);
  const viewOf = (call: AcceptedRequest): AnswerView => ({
    output: call.options.output === 'raw' ? 'raw' : 'default',
    source: seesSource(accounts, call.caller, call.resolved.algorithm),
    stdout: wantsStdout(call),
    totalS: call.options.timing ? sinceS(call) : null,
  });
  return { sinceS, wantsStdout, viewOf };
};

const outgoingCall = (
  call: AcceptedRequest,
  place: Admitted,
  own: { readonly replyPartition: number; readonly wantsStdout: boolean },
): OutgoingCall => ({
  ...call,
  place,
  // Keyed calls answer here even when nobody waits: so only these partitions have to be looked through for keys.
  replyPartition: call.options.output === 'void' && call.idempotencyKey === null ? null : own.replyPartition,
  stored: call.options.output === 'void',
  wantsStdout: own.wantsStdout,
});

/** Publishes calls that have their place. */
const createRun = (options: CallRunnerOptions, views: ReturnType<typeof createViews>): Run => {
  const { admission, waiting, metrics, trees } = options;
  const { sinceS, wantsStdout, viewOf } = views;
  const outgoing = (call: AcceptedRequest, place: Admitted): OutgoingCall =>
    outgoingCall(call, place, { replyPartition: options.replyPartition, wantsStdout: wantsStdout(call) });

  const park = (call: AcceptedRequest, place: Admitted, response: ServerResponse): void => {
    const end: Parameters<typeof parkedCall>[0]['onEnd'] = (outcome) => {
      admission.leave(place);
      metrics.ended(outcome, sinceS(call));
      trees.end(call, outcome);
    };
    waiting.add(
      parkedCall({
        id: call.id,
        expiresMs: call.startedMs + (call.deadlineMs - call.acceptedAtMs) + answerGraceMs,
        response,
        view: () => viewOf(call),
        sinceAcceptedS: () => sinceS(call),
        bodyOf: async (result) => await options.stored.body(result),
        onEnd: end,
      }),
    );
    const gone = (): void => {
      if (waiting.take(call.id) !== undefined) end('gone');
    };
    if (response.destroyed) gone();
    else response.on('close', gone);
  };

  /** The table knows a call before the log does: the answer may be faster than the acknowledgement. */
  const runWaiting: Run = (call, place, response, refused) => {
    park(call, place, response);
    options.publisher.publish(outgoing(call, place), {
      appended: () => {},
      failed: (error) => {
        if (waiting.take(call.id) !== undefined) admission.leave(place);
        trees.end(call, 'refused');
        refused(error);
      },
    });
  };

  const runVoid: Run = (call, place, response, refused) => {
    options.publisher.publish(outgoing(call, place), {
      appended: () => {
        admission.leave(place);
        metrics.ended('queued', sinceS(call));
        trees.end(call, 'queued');
        sendAnswer(response, voidAnswer(call.id), call.id);
      },
      failed: (error) => {
        admission.leave(place);
        trees.end(call, 'refused');
        refused(error);
      },
    });
  };
  return (call, place, response, refused) => {
    trees.begin(call);
    (call.options.output === 'void' ? runVoid : runWaiting)(call, place, response, refused);
  };
};

export const createCallRunner = (options: CallRunnerOptions): CallRunner => {
  const views = createViews(options);
  const run = createRun(options, views);
  return {
    viewOf: views.viewOf,
    run: (call, response, refused) => {
      const { algorithm, build } = call.resolved;
      const account = call.caller.account.name;
      const pool = build.run?.pool ?? options.defaultPool;
      const applicant = { account, algorithmId: algorithm.id, build: build.hash, pool, nested: call.nested };
      const entering = options.admission.enter(applicant);
      if (!(entering instanceof Promise)) {
        run(call, entering, response, refused);
        return;
      }
      const late = (error: unknown): void => {
        refused(asPlatformError(error));
      };
      entering.then((place) => run(call, place, response, refused)).catch(late);
    },
  };
};
