import type { Result } from '../../kernel/contracts/contracts.gen.ts';

/** A call that waits for its result. Exactly one of the three ends is called, once, after it left the table. */
export interface WaitingCall {
  readonly id: string;
  /** On the monotonic clock: when nobody waits any longer. */
  readonly expiresMs: number;
  onResult(result: Result): void;
  onExpired(): void;
  /** The reader cannot go on or the process stops. */
  onGivenUp(): void;
}

/** The calls that wait here, by request id. Its bound is kept by admission. */
export interface WaitingCalls {
  readonly size: number;
  add(call: WaitingCall): void;
  has(id: string): boolean;
  /** Takes the call out; undefined when it is not (or no longer) here. */
  take(id: string): WaitingCall | undefined;
  /** Ends every call whose time is over. Looks at all of them: meant for a few times a second. */
  expire(nowMs: number): void;
  /** Ends all of them. */
  giveUp(): void;
}

/** An empty table. */
export const createWaitingCalls = (): WaitingCalls => {
  const calls = new Map<string, WaitingCall>();
  return {
    get size() {
      return calls.size;
    },
    add: (call) => {
      calls.set(call.id, call);
    },
    has: (id) => calls.has(id),
    take: (id) => {
      const call = calls.get(id);
      if (call !== undefined) calls.delete(id);
      return call;
    },
    expire: (nowMs) => {
      for (const call of calls.values()) {
        if (call.expiresMs > nowMs) continue;
        calls.delete(call.id);
        call.onExpired();
      }
    },
    giveUp: () => {
      for (const call of calls.values()) call.onGivenUp();
      calls.clear();
    },
  };
};
