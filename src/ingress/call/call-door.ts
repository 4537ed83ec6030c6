import type { IncomingMessage, ServerResponse } from 'node:http';
import { asPlatformError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { AcceptedRequest } from './accept-call.ts';
import type { CallMetrics } from './call-metrics.ts';
import { isKept, type KeptCalls } from './keyed-calls.ts';
import { sendAnswer, sendFailure } from './respond.ts';
import type { CallRunner } from './run-call.ts';

export interface CallDoorOptions {
  readonly kept: KeptCalls;
  readonly runner: CallRunner;
  readonly metrics: CallMetrics;
  readonly logger: Logger;
  accept(request: IncomingMessage): Promise<AcceptedRequest>;
}

/** The hot path: `POST /v1/algo/…` from its first byte to its answer. */
export interface CallDoor {
  /** Answers the response, now or later. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** Makes the door; it holds no state of its own. */
export const createCallDoor = (options: CallDoorOptions): CallDoor => {
  const { kept, runner } = options;

  const refuse = (response: ServerResponse, thrown: unknown): void => {
    const error = asPlatformError(thrown);
    options.metrics.refused();
    if (error.kind === 'internal') options.logger.error({ event: 'call.broken', code: error.code, err: error });
    sendFailure(response, error);
  };
  const refuseKept = async (call: AcceptedRequest, response: ServerResponse, error: unknown): Promise<void> => {
    // An unavailable log may have the request all the same: then the call stays remembered until its deadline.
    if (asPlatformError(error).code !== 'MESSAGING_UNAVAILABLE') await kept.forget(call);
    refuse(response, error);
  };
  const runKept = async (call: AcceptedRequest, response: ServerResponse): Promise<void> => {
    const earlier = await kept.begin(call, () => runner.viewOf(call));
    if (earlier !== null) {
      sendAnswer(response, earlier.answer, earlier.id);
      return;
    }
    try {
      runner.run(call, response, (error) => void refuseKept(call, response, error));
    } catch (error) {
      await refuseKept(call, response, error);
    }
  };
  const run = (call: AcceptedRequest, response: ServerResponse): void | Promise<void> => {
    if (isKept(call)) return runKept(call, response);
    runner.run(call, response, (error) => {
      refuse(response, error);
    });
  };
  return {
    handle: (request, response) => {
      options
        .accept(request)
        .then((call) => run(call, response))
        .catch((error: unknown) => {
          refuse(response, error);
        });
    },
  };
};
