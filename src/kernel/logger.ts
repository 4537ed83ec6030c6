/** Fields of a log line; `event` names what happened (`subject.happened`). Never payloads, never secrets. */
export interface LogFields {
  readonly event: string;
  readonly [field: string]: unknown;
}

/**
 * Where lines go; pino satisfies it. Loggers are passed, never imported. error: a person must act; warn: healed itself;
 * info: tens a day; debug: off.
 */
export interface Logger {
  debug(fields: LogFields): void;
  info(fields: LogFields): void;
  warn(fields: LogFields): void;
  error(fields: LogFields): void;
}

/** Drops everything; for tests and tools. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
