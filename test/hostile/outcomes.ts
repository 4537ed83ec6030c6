/** Of the vendor: its clients compare it. */
const timedOutOrOutOfMemory = 'Failed to run algorithm - may have timed-out or hit out-of-memory error';

/** What callers are told of a call that took all its time. */
export const timeout = { status: 'timeout', error: { message: timedOutOrOutOfMemory, errorType: 'TimeoutError' } };

/** What callers are told of a call that took all its memory. */
export const outOfMemory = {
  status: 'failed',
  error: { message: timedOutOrOutOfMemory, errorType: 'OutOfMemoryError' },
};
