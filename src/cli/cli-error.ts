/** Exit codes, as `--help` tells them. */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3 } as const;

/** Ends the command with a message for the reader and an exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
