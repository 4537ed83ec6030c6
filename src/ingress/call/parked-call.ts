import type { ServerResponse } from 'node:http';
import type { Result } from '../../kernel/contracts/contracts.gen.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import { ingressErrors } from '../errors.ts';
import type { WaitingCall } from '../replies/waiting.ts';
import { type AnswerView, answerOf, timeoutAnswer } from './answer.ts';
import type { CallOutcome } from './call-metrics.ts';
import { sendAnswer, sendFailure } from './respond.ts';

export interface ParkedCallOptions {
  readonly id: string;
  readonly expiresMs: number;
  readonly response: ServerResponse;
  /** How the answer is to look; asked when it is there. */
  view(): AnswerView;
  sinceAcceptedS(): number;
  bodyOf(result: Result): Promise<Buffer | null>;
  /** Called once, when the call left the table by one of its ends. */
  onEnd(outcome: CallOutcome): void;
}

/** The entry of the waiting table that answers an HTTP response. */
export const parkedCall = (options: ParkedCallOptions): WaitingCall => {
  const { response, id } = options;

  const send = (result: Result, body: Buffer | null): void => {
    sendAnswer(response, answerOf(result, body, options.view()), id);
  };
  const sendFetched = async (result: Result): Promise<void> => {
    try {
      send(result, await options.bodyOf(result));
    } catch (error) {
      sendFailure(response, asPlatformError(error));
    }
  };
  return {
    id,
    expiresMs: options.expiresMs,
    onResult: (result) => {
      options.onEnd(result.status);
      if (result.bodyRef === null) send(result, result.body);
      else void sendFetched(result);
    },
    onExpired: () => {
      options.onEnd('expired');
      sendAnswer(response, timeoutAnswer(options.view().output, options.sinceAcceptedS()), id);
    },
    onGivenUp: () => {
      options.onEnd('refused');
      const message = `this ingress stops; whether call ${id} ran is not known`;
      sendFailure(response, ingressErrors.LOG_UNAVAILABLE({ message }));
    },
  };
};
