import type { Place } from '../../messaging/messaging.ts';

/** A call whose answer is asked for later: nobody waited for it, or it carried an idempotency key. */
export interface AcceptedCall {
  readonly id: string;
  readonly account: string;
  readonly idempotencyKey: string | null;
  /** OWNER/ALGO */
  readonly algorithm: string;
  readonly build: string;
  readonly version: string | null;
  readonly acceptedAtMs: number;
  /** Milliseconds since the epoch: from then on it counts as ended without a result. */
  readonly deadlineMs: number;
}

/** What the index knows of an id. A finished one's particulars are in the record at its place. */
export type KnownCall =
  | { readonly kind: 'queued'; readonly call: AcceptedCall }
  | { readonly kind: 'finished'; readonly id: string; readonly place: Place };

/** Port of the index: request id → place in the results topic, for a day. Drivers: `memory.ts`, `redis.ts`. */
export interface Answers {
  /**
   * Remembers an accepted call. With an idempotency key that the account has used already, nothing is remembered and
   * the earlier call is returned instead of null; of concurrent calls exactly one gets null.
   */
  begin(call: AcceptedCall): Promise<KnownCall | null>;
  /** The call was not published after all. Unknown ids do nothing. */
  forget(id: string): Promise<void>;
  /** A result stands in the log. May be repeated; the last place counts. `key` when the call carried one. */
  finish(id: string, place: Place, key: { readonly account: string; readonly idempotencyKey: string } | null): void;
  /** What is known of that id; null when nothing (any more). */
  byId(id: string): Promise<KnownCall | null>;
  /** True while a call that was begun here is remembered as queued. Answered at once: asked for each record. */
  isQueued(id: string): boolean;
  /** Lets what was told be written; nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** Time for a result to appear after its deadline, before the call counts as ended without one. */
export const resultGraceMs = 60_000;
