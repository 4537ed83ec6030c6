import type { Clock } from '../kernel/clock.ts';
import type { Messaging } from '../messaging/messaging.ts';

/** Knows when a broker last answered. */
export interface Pulse {
  /** Milliseconds since it answered. */
  ageMs(): number;
  /** Begins to ask; closing ends it. To be called once. */
  open(): { close(): Promise<void> };
}

const everyMs = 2_000;
const answerWithinMs = 1_500;

/** Asks the broker every two seconds; one question at a time. */
export const createPulse = (messaging: Messaging, clock: Clock): Pulse => {
  let answeredMs = clock.monotonicMs();
  let cancel = (): void => {};
  let running = false;

  const beat = async (): Promise<void> => {
    try {
      await messaging.admin.ping(answerWithinMs);
      answeredMs = clock.monotonicMs();
    } catch {
      // Silence is the finding; `ageMs` tells it.
    }
    if (running) cancel = clock.after(everyMs, () => void beat());
  };
  return {
    ageMs: () => clock.monotonicMs() - answeredMs,
    open: () => {
      running = true;
      void beat();
      return {
        close: async () => {
          running = false;
          cancel();
          await Promise.resolve();
        },
      };
    },
  };
};
