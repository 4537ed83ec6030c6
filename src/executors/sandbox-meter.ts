import type { Clock } from '../kernel/clock.ts';
import type { SandboxUsage } from '../sandboxes/sandbox.ts';

const sampleEveryMs = 100;
/** From this duration on a run's own figures are worth waiting for two file reads. */
const exactFromS = 0.1;

/** What one run is said to have used. */
export interface RunUsage {
  readonly cpuS: number | null;
  readonly memoryPeakBytes: number | null;
}

/**
 * Figures of a sandbox without a reading for each call: read at most every 100 ms, beside the calls; a call is given
 * its share by duration of the CPU time between the last two readings. A long run is read when it ends, so its
 * figures are its own.
 */
export interface SandboxMeter {
  /** Figures for a run that just ended. Answers at once unless the run was long. Never rejects. */
  runEnded(durationS: number): RunUsage | Promise<RunUsage>;
  /** Reads now; gives the memory in use, null where nothing measures. Never rejects. */
  read(): Promise<number | null>;
}

export const createSandboxMeter = (clock: Clock, usage: () => Promise<SandboxUsage>): SandboxMeter => {
  let latest: SandboxUsage = { cpuS: null, memoryBytes: null, memoryPeakBytes: null };
  let readMs = Number.NEGATIVE_INFINITY;
  let busyS = 0;
  /** CPU seconds per second of running; null before two readings. */
  let rate: number | null = null;
  let reading: Promise<void> | null = null;

  const take = (next: SandboxUsage): void => {
    if (next.cpuS !== null && latest.cpuS !== null && busyS > 0) rate = Math.max(0, next.cpuS - latest.cpuS) / busyS;
    latest = next;
    busyS = 0;
  };
  const readOnce = async (): Promise<void> => {
    readMs = clock.monotonicMs();
    reading ??= usage()
      .then(take, () => {
        // The sandbox is gone; its last figures stand.
      })
      .finally(() => {
        reading = null;
      });
    await reading;
  };
  const figures = (durationS: number): RunUsage => ({
    cpuS: rate === null ? null : rate * durationS,
    memoryPeakBytes: latest.memoryPeakBytes,
  });

  return {
    runEnded: (durationS) => {
      busyS += durationS;
      if (clock.monotonicMs() - readMs < sampleEveryMs) return figures(durationS);
      const done = readOnce();
      if (durationS < exactFromS) return figures(durationS);
      return done.then(() => figures(durationS));
    },
    read: async () => {
      await readOnce();
      return latest.memoryBytes;
    },
  };
};
