import type { Answers, KnownCall } from '../answers/answers.ts';
import { ingressErrors } from '../errors.ts';
import type { AcceptedRequest } from './accept-call.ts';
import { type Answer, type AnswerView, answerOf, voidAnswer } from './answer.ts';
import type { StoredResults } from './stored-answer.ts';

/** An answer that is there already, and the call that it is of. */
export interface EarlierAnswer {
  readonly id: string;
  readonly answer: Answer;
}

/** Calls whose answer is kept: those that nobody waits for, and those with an idempotency key. */
export interface KeptCalls {
  /**
   * Remembers the call. Null: it is new, run it. Otherwise its key was used before, and this is that call's answer;
   * throws `INGRESS_KEY_IN_USE` while that call runs or when it was for another algorithm.
   */
  begin(call: AcceptedRequest, view: () => AnswerView): Promise<EarlierAnswer | null>;
  /** The call was not published. */
  forget(call: AcceptedRequest): Promise<void>;
}

/** True for calls that have to be remembered. */
export const isKept = (call: AcceptedRequest): boolean =>
  call.options.output === 'void' || call.idempotencyKey !== null;

export const createKeptCalls = (answers: Answers, stored: StoredResults): KeptCalls => {
  const earlierAnswer = async (
    call: AcceptedRequest,
    earlier: KnownCall,
    view: () => AnswerView,
  ): Promise<EarlierAnswer> => {
    if (earlier.kind === 'queued') {
      const message = `the call with this Idempotency-Key is still running: it is ${earlier.call.id}`;
      throw ingressErrors.KEY_IN_USE({ message });
    }
    const { id, place } = earlier;
    if (call.options.output === 'void') return { id, answer: voidAnswer(id) };
    const result = await stored.result(place);
    if (result === null || result.algorithmId !== call.resolved.algorithm.id) {
      const why = result === null ? 'its answer cannot be read now' : `it was for ${result.algorithm}`;
      throw ingressErrors.KEY_IN_USE({ message: `this Idempotency-Key was used by call ${id}: ${why}` });
    }
    return { id, answer: answerOf(result, await stored.body(result), view()) };
  };
  return {
    begin: async (call, view) => {
      const { algorithm, build, version } = call.resolved;
      const earlier = await answers.begin({
        id: call.id,
        account: call.caller.account.name,
        idempotencyKey: call.idempotencyKey,
        algorithm: `${algorithm.owner}/${algorithm.label}`,
        build: build.hash,
        version: version?.semantic ?? null,
        acceptedAtMs: call.acceptedAtMs,
        deadlineMs: call.deadlineMs,
      });
      return earlier === null ? null : await earlierAnswer(call, earlier, view);
    },
    forget: async (call) => {
      await answers.forget(call.id);
    },
  };
};
