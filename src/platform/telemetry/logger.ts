import { pino } from 'pino';
import type { Logger } from '../../kernel/logger.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
/** From which severity on lines are written; see {@link Logger} for what each level means. */
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Name of the process or role; on every line. */
  readonly name: string;
  /** Path of the file that lines are appended to (its folder is made when missing); standard output when absent. */
  readonly destination?: string;
}

/** A logger that writes one JSON line per call, at once, so that the last lines before a crash are there. */
export const createLogger = (options: LoggerOptions): Logger => {
  const { level, name, destination } = options;
  const lines = pino(
    { level, name, base: { name, pid: process.pid }, formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ dest: destination ?? 1, append: true, mkdir: true, sync: true }),
  );
  return {
    debug: (fields) => {
      lines.debug(fields);
    },
    info: (fields) => {
      lines.info(fields);
    },
    warn: (fields) => {
      lines.warn(fields);
    },
    error: (fields) => {
      lines.error(fields);
    },
  };
};
