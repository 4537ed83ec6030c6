import { forward, next } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import { type Accepted, notRun } from '../call.ts';
import { timeoutError } from '../run-error.ts';
import type { Answer } from './answer.ts';

/** Answers a request past its deadline with the timeout error: nobody waits for its run. */
export const expire = (nowMs: () => number): Step<Accepted, Accepted, Answer> => ({
  name: 'expire',
  run: (accepted) => {
    const now = nowMs();
    if (now < accepted.deadlineMs) return next(accepted);
    return forward({ kind: 'answer', accepted, ended: notRun(now, 'timeout', timeoutError) });
  },
});
