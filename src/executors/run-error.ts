import type { RunError } from '../kernel/contracts/contracts.gen.ts';

/** Codes that an algorithm may raise and that callers see as raised. */
const raisable: ReadonlySet<string> = new Set([
  'AlgorithmError',
  'InputError',
  'UnsupportedError',
  'InitializationError',
  'OutOfMemoryError',
  'OutOfGpuMemoryError',
  'LanguageError',
  'TooLargeError',
  'ParsingError',
  'EntityNotFoundError',
  'ThirdPartyCredentialError',
  'LoadingError',
  'SystemExit',
]);

/** The vendor's text for both; clients compare it. */
const timedOutOrOutOfMemory = 'Failed to run algorithm - may have timed-out or hit out-of-memory error';

/** What an algorithm raised, as callers see it: a code that is not a standard one becomes `AlgorithmError`. */
export const raisedError = (error: {
  readonly message: string;
  readonly errorType: string;
  readonly stacktrace: string | null;
}): RunError => ({
  message: error.message,
  errorType: raisable.has(error.errorType) ? error.errorType : 'AlgorithmError',
  stacktrace: error.stacktrace,
});

const platformError = (message: string, errorType: string): RunError => ({ message, errorType, stacktrace: null });

/** It did not end, or not begin, before its deadline. */
export const timeoutError = platformError(timedOutOrOutOfMemory, 'TimeoutError');

/** Its sandbox was killed for memory. */
export const outOfMemoryError = platformError(timedOutOrOutOfMemory, 'OutOfMemoryError');

/** Its process ended while it ran. */
export const exitError = (code: number | null): RunError =>
  platformError(code === null ? 'killed by a signal' : `exited with code ${code}`, 'SystemExit');

/** Its answer is larger than an answer may be. */
export const tooLargeError = (sizeBytes: number, limitBytes: number): RunError =>
  platformError(`The result has ${sizeBytes} bytes; at most ${limitBytes} are allowed.`, 'TooLargeError');

/** Its code did not load. */
export const initializationError = (message: string): RunError => platformError(message, 'InitializationError');

/** The platform could not run it. */
export const systemError = (message: string): RunError => platformError(message, 'SystemError');

/** A call that a running call made, for whose sandbox nothing is left, because all that could be ended waits as well. */
export const noRoomError = (waiting: number): RunError =>
  systemError(
    `There is no memory for one more sandbox while ${waiting} wait for the calls that they made. Call fewer levels deep, or give the executors more memory (MILLRACE_EXECUTOR_MEMORY_MB).`,
  );
