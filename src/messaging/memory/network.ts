import type { Clock } from '../../kernel/clock.ts';
import { messagingErrors } from '../errors.ts';

/** Requests that a client makes of the broker. */
export type MemoryCall =
  | 'produce'
  | 'init-transactions'
  | 'transaction-offsets'
  | 'end-transaction'
  | 'commit'
  | 'fetch'
  | 'group'
  | 'admin';

/** What happens to a request: carried out and answered; never arrived; carried out, but the answer never arrived. */
export type MemoryFault = 'none' | 'lost-request' | 'lost-answer';

/** How the way between one client and the broker behaves. Everything is drawn by the owner, so that it can be seeded. */
export interface MemoryNetworkOptions {
  /** Milliseconds that one way takes; called for each. Default: the next turn of the event loop's microtasks. */
  delayMs?(call: MemoryCall): number;
  /** Called for each request. Default: none. */
  fault?(call: MemoryCall): MemoryFault;
}

/** The way between one client and the broker. */
export interface MemoryNetwork {
  /** Carries out `run` at the broker. Throws `MESSAGING_UNAVAILABLE` on a fault: carried out or not. */
  call<T>(call: MemoryCall, run: () => T): Promise<T>;
  /** As {@link call}, repeated until it was answered; for requests that may be repeated. */
  insist<T>(call: MemoryCall, run: () => T): Promise<T>;
  /** Tells the client something of the broker's own accord. */
  notify(run: () => void): void;
  /** The process is dead: nothing is answered or told any more. */
  crash(): void;
  readonly crashed: boolean;
}

/** A promise of a dead process: nobody will see it resolve. */
const never = async (): Promise<never> => await new Promise<never>(() => {});

const retryAfterMs = 20;

/** Makes the way of one client. */
export const createMemoryNetwork = (clock: Clock, options: MemoryNetworkOptions): MemoryNetwork => {
  let crashed = false;
  let told = Promise.resolve();

  const travel = async (call: MemoryCall): Promise<void> => {
    const delayMs = options.delayMs?.(call) ?? 0;
    if (delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve));
    else await Promise.resolve();
    if (crashed) await never();
  };

  const unavailable = (call: MemoryCall) =>
    messagingErrors.UNAVAILABLE({
      message: `The broker did not answer the ${call} request; it may or may not have been carried out. Try again.`,
    });

  const call = async <T>(name: MemoryCall, run: () => T): Promise<T> => {
    const fault = options.fault?.(name) ?? 'none';
    await travel(name);
    if (fault === 'lost-request') throw unavailable(name);
    let answer: { readonly value: T } | { readonly error: unknown };
    try {
      answer = { value: run() };
    } catch (error) {
      answer = { error };
    }
    await travel(name);
    if (fault === 'lost-answer') throw unavailable(name);
    if ('error' in answer) throw answer.error;
    return answer.value;
  };

  return {
    call,
    insist: async (name, run) => {
      for (;;) {
        try {
          return await call(name, run);
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'MESSAGING_UNAVAILABLE')) throw error;
          await new Promise<void>((resolve) => clock.after(retryAfterMs, resolve));
        }
      }
    },
    notify: (run) => {
      // In order, as on one connection.
      told = told.then(async () => {
        await travel('group');
        run();
      });
    },
    crash: () => {
      crashed = true;
    },
    get crashed() {
      return crashed;
    },
  };
};
