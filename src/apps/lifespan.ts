import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { onSignals } from '../platform/lifecycle/signals.ts';
import type { Component } from '../platform/lifecycle/supervisor.ts';

/** From a process's start to its end. */
export interface Lifespan {
  /** What was started so far, in order: everything that starts is pushed here. */
  readonly started: Component[];
  /** Ends the process with code 1 after stopping what it can: for failures that void its state. */
  readonly fail: (error: Error) => void;
  /** Resolves with the exit code when the process is to end: a signal, or a failure. */
  readonly ended: Promise<number>;
  /** Stops everything that started, in reverse; each within a time. */
  stop(): Promise<void>;
}

const stopTimeoutMs = 30_000;

const stopWithin = async (component: Component, clock: Clock): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.after(stopTimeoutMs, () => reject(new Error(`did not stop within ${stopTimeoutMs / 1000} s`)));
    component.stop().then(resolve, reject).finally(cancel);
  });
};

/** Listens for the signals that end a process: the first one drains, the second one insists. */
export const createLifespan = ({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }): Lifespan => {
  const started: Component[] = [];
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  onSignals({ onStop: () => end(0), onInsist: () => process.exit(130) });
  return {
    started,
    ended,
    fail: (error) => {
      logger.error({ event: 'process.failed', error: error.message });
      end(1);
    },
    stop: async () => {
      for (const component of started.splice(0).reverse()) {
        try {
          await stopWithin(component, clock);
        } catch (error) {
          logger.warn({
            event: 'component.stop-failed',
            component: component.name,
            error: error instanceof Error ? error.message : String(error),
          });
        }
      }
    },
  };
};
