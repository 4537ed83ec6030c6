import type { Metrics } from '../platform/telemetry/metrics.ts';
import { createWriter, type Writer, type WriterObserver, type WriterOptions } from './writer.ts';

/** What control needs; see {@link WriterOptions}. */
export interface ControlOptions extends Omit<WriterOptions, 'observer'> {
  readonly metrics?: Metrics;
}

/** The control plane's writer as a component of a process. */
export interface Control extends Writer {
  readonly name: 'control';
}

const observeWith = (metrics: Metrics): WriterObserver => {
  const commands = metrics.counters({
    name: 'millrace_control_commands_total',
    help: 'Commands decided by the control plane.',
    labels: ['outcome'],
  });
  const done = commands.with({ outcome: 'done' });
  const refused = commands.with({ outcome: 'refused' });
  const duration = metrics.histogram({
    name: 'millrace_control_batch_duration_seconds',
    help: 'From taking a batch of commands until its transaction is committed.',
  });
  return {
    committed: (batch) => {
      done.inc(batch.commands - batch.refused);
      refused.inc(batch.refused);
      duration.observe(batch.durationMs / 1000);
    },
  };
};

/** Builds the control plane's writer. Topics must exist. */
export const createControl = ({ metrics, ...options }: ControlOptions): Control => {
  const observer = metrics === undefined ? { committed: () => {} } : observeWith(metrics);
  return { name: 'control', ...createWriter({ ...options, observer }) };
};
