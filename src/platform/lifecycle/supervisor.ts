import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { lifecycleErrors } from './errors.ts';

/** A part of a process that runs between `start` and `stop`. */
export interface Component {
  readonly name: string;
  /** Resolves when the component is ready for those declared after it. Called once. */
  start(): Promise<void>;
  /** Stops intake, drains, flushes, closes. Called at most once, and only when `start` resolved. */
  stop(): Promise<void>;
}

export interface SupervisorOptions {
  /** In the order of starting: what others need comes first. */
  readonly components: readonly Component[];
  readonly logger: Logger;
  readonly clock: Clock;
  /** The longest that one component may take to stop. */
  readonly stopTimeoutMs: number;
  /** Called after each component's start, for those who show progress. */
  readonly onStarted?: (component: Component, durationMs: number) => void;
}

/** Starts and stops the parts of a process in order. */
export interface Supervisor {
  /**
   * Starts the components one after the other. When one fails, or `stop` is called meanwhile, those that started are
   * stopped in reverse and, on a failure, its error is thrown. To be called once.
   */
  start(): Promise<void>;
  /**
   * Stops in reverse order, going on when one fails or is too slow; then throws `LIFECYCLE_STOP_FAILED` with all
   * failures. May be called at any time and again: every call waits for the same stop.
   */
  stop(): Promise<void>;
}

const stopWithin = async (component: Component, clock: Clock, timeoutMs: number): Promise<void> => {
  let cancel = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(timeoutMs, () => {
      const message = `${component.name} did not stop within ${timeoutMs} ms; the process goes on without it.`;
      reject(lifecycleErrors.STOP_TIMEOUT({ message, details: { component: component.name, timeoutMs } }));
    });
  });
  try {
    await Promise.race([component.stop(), late]);
  } finally {
    cancel();
  }
};

const stopInReverse = async (started: Component[], options: SupervisorOptions): Promise<readonly unknown[]> => {
  const failures: unknown[] = [];
  for (let component = started.pop(); component !== undefined; component = started.pop()) {
    const sinceMs = options.clock.monotonicMs();
    try {
      await stopWithin(component, options.clock, options.stopTimeoutMs);
      const durationMs = Math.round(options.clock.monotonicMs() - sinceMs);
      options.logger.debug({ event: 'component.stopped', component: component.name, durationMs });
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
};

/** Makes a supervisor; nothing starts before {@link Supervisor.start}. */
export const createSupervisor = (options: SupervisorOptions): Supervisor => {
  const { components, logger, clock } = options;
  const started: Component[] = [];
  let stopping = false;
  let starting: Promise<void> = Promise.resolve();
  let stopped: Promise<void> | undefined;

  const startAll = async (): Promise<void> => {
    for (const component of components) {
      if (stopping) return;
      const sinceMs = clock.monotonicMs();
      await component.start();
      started.push(component);
      const durationMs = Math.round(clock.monotonicMs() - sinceMs);
      logger.debug({ event: 'component.started', component: component.name, durationMs });
      options.onStarted?.(component, durationMs);
    }
  };

  const stopAll = async (): Promise<void> => {
    // A component that is starting is let finish: only then is it known whether it has to be stopped.
    await starting.catch(() => {});
    const failures = await stopInReverse(started, options);
    if (failures.length === 0) return;
    const texts = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
    throw lifecycleErrors.STOP_FAILED({
      message: `Not everything stopped cleanly: ${texts.join(' ')}`,
      cause: new AggregateError(failures),
    });
  };

  return {
    start: async () => {
      starting = startAll();
      try {
        await starting;
      } catch (error) {
        stopping = true;
        const failures = await stopInReverse(started, options);
        for (const failure of failures) logger.warn({ event: 'component.stop-failed', err: failure });
        throw error;
      }
    },
    stop: async () => {
      stopping = true;
      stopped ??= stopAll();
      await stopped;
    },
  };
};
