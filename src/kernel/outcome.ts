/** What a step decided about a message. Closed: `messaging/settle.ts` is the only reader and answers every case. */
export type Outcome<Value, Output = never> =
  | { readonly kind: 'next'; readonly value: Value }
  | { readonly kind: 'forward'; readonly output: Output }
  | { readonly kind: 'drop'; readonly reason: string }
  | { readonly kind: 'park'; readonly reason: string; readonly code: string; readonly cause?: unknown }
  | { readonly kind: 'retry'; readonly reason: string; readonly code: string; readonly afterMs: number };

/** Goes on to the next step with `value`. */
export const next = <Value>(value: Value): Outcome<Value> => ({ kind: 'next', value });
/** Ends the pipeline: `output` is to be published. */
export const forward = <Output>(output: Output): Outcome<never, Output> => ({ kind: 'forward', output });
/** Ends the pipeline: nothing is to be done (a copy, for example). */
export const drop = (reason: string): Outcome<never> => ({ kind: 'drop', reason });
/** Ends the pipeline: the message goes to `dead.v1` with this reason. */
export const park = (reason: string, code: string, cause?: unknown): Outcome<never> => ({
  kind: 'park',
  reason,
  code,
  cause,
});
/** Ends the pipeline: the message is tried again after a fixed delay of at least `afterMs`. */
export const retry = (reason: string, code: string, afterMs: number): Outcome<never> => ({
  kind: 'retry',
  reason,
  code,
  afterMs,
});
