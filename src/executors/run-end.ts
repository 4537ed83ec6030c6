import type { Ended } from './call.ts';
import { systemError } from './run-error.ts';
import type { RunEnd } from './session.ts';

/** The end of a call from what its sandbox answered and when. */
export const endedOf = (end: RunEnd, at: Pick<Ended, 'startedAtMs' | 'finishedAtMs' | 'cold'>): Ended => ({
  status: end.status,
  startedAtMs: at.startedAtMs,
  finishedAtMs: at.finishedAtMs,
  durationS: end.durationS,
  cold: at.cold,
  cpuS: end.cpuS,
  memoryPeakBytes: end.memoryPeakBytes,
  stdout: end.stdout,
  stderr: end.stderr,
  error: end.error,
  contentType: end.contentType,
  body: end.body,
  metrics: end.metrics,
});

/** The end of a call whose body is not where its reference points: no fault of the sandbox. */
export const unreadEnd = (reason: string): RunEnd => ({
  status: 'failed',
  durationS: 0,
  cpuS: null,
  memoryPeakBytes: null,
  stdout: '',
  stderr: '',
  error: systemError(`The body of the request could not be read: ${reason}`),
  contentType: 'void',
  body: null,
  metrics: {},
  reusable: true,
});
