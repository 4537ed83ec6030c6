import type { Accepted, Ended } from '../call.ts';

/** An answer that needs no run. */
export interface Answer {
  readonly kind: 'answer';
  readonly accepted: Accepted;
  readonly ended: Ended;
}
