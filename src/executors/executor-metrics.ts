import type { Status } from '../kernel/contracts/contracts.gen.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Ended } from './call.ts';
import type { DispatcherState } from './dispatcher.ts';

export interface ExecutorMetrics {
  /** A call ended after waiting so long, in seconds. */
  ended(ended: Ended, waitS: number): void;
  /** A record was dropped or parked by that step. */
  left(step: string): void;
}

const statuses: readonly Status[] = ['succeeded', 'failed', 'timeout'];

/** Metrics of an executor; the pool's are read when somebody asks. */
export const createExecutorMetrics = (metrics: Metrics, state: () => DispatcherState): ExecutorMetrics => {
  const runs = metrics.counters({ name: 'millrace_runs_total', help: 'Calls that ended.', labels: ['status'] });
  const byStatus = new Map(statuses.map((status) => [status, runs.with({ status })]));
  const cold = metrics.counter({
    name: 'millrace_cold_starts_total',
    help: 'Calls that waited for a sandbox to start.',
  });
  const duration = metrics.histogram({ name: 'millrace_run_duration_seconds', help: 'Time in the algorithm alone.' });
  const wait = metrics.histogram({ name: 'millrace_run_wait_seconds', help: 'Accepted until handed to a sandbox.' });
  const left = metrics.counters({
    name: 'millrace_requests_left_total',
    help: 'Records that were dropped or parked, by the step that decided it.',
    labels: ['step'],
  });
  const gauges = {
    slots: metrics.gauge({ name: 'millrace_slots', help: 'Sandboxes that may exist.' }),
    busy: metrics.gauge({ name: 'millrace_slots_busy', help: 'Sandboxes that run a call.' }),
    queued: metrics.gauge({ name: 'millrace_calls_queued', help: 'Calls that wait for a sandbox.' }),
    memoryBytes: metrics.gauge({ name: 'millrace_sandboxes_memory_bytes', help: 'Memory of all sandboxes.' }),
  };
  metrics.beforeRead(() => {
    const now = state();
    gauges.slots.set(now.slots);
    gauges.busy.set(now.busy);
    gauges.queued.set(now.queued);
    gauges.memoryBytes.set(now.memoryBytes);
  });
  return {
    ended: (ended, waitS) => {
      byStatus.get(ended.status)?.inc();
      if (ended.cold) cold.inc();
      duration.observe(ended.durationS);
      wait.observe(waitS);
    },
    left: (step) => {
      left.with({ step }).inc();
    },
  };
};
