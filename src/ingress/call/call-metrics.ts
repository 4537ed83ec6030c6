import type { Metrics } from '../../platform/telemetry/metrics.ts';

export type CallOutcome = 'succeeded' | 'failed' | 'timeout' | 'expired' | 'queued' | 'refused' | 'gone';

/** What is counted of calls. */
export interface CallMetrics {
  ended(outcome: CallOutcome, durationS: number): void;
  refused(): void;
}

/** Series are looked up once: labels cost more than the counting. */
export const createCallMetrics = (metrics: Metrics, waiting: () => number): CallMetrics => {
  const counters = metrics.counters({
    name: 'millrace_calls_total',
    help: 'Calls by how they ended for the caller.',
    labels: ['outcome'],
  });
  const durations = metrics.histogram({
    name: 'millrace_call_duration_seconds',
    help: 'From the acceptance of a call until its answer left.',
  });
  const gauge = metrics.gauge({ name: 'millrace_calls_waiting', help: 'Calls that wait for their result here.' });
  metrics.beforeRead(() => {
    gauge.set(waiting());
  });
  const series = {
    succeeded: counters.with({ outcome: 'succeeded' }),
    failed: counters.with({ outcome: 'failed' }),
    timeout: counters.with({ outcome: 'timeout' }),
    expired: counters.with({ outcome: 'expired' }),
    queued: counters.with({ outcome: 'queued' }),
    refused: counters.with({ outcome: 'refused' }),
    gone: counters.with({ outcome: 'gone' }),
  };
  return {
    ended: (outcome, durationS) => {
      series[outcome].inc();
      durations.observe(durationS);
    },
    refused: () => {
      series.refused.inc();
    },
  };
};
