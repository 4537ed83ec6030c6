import type { ParseArgsOptionsConfig } from 'node:util';
import { CliError, exitCodes } from './cli-error.ts';
import type { ApiClient } from './client.ts';
import type { Terminal } from './terminal.ts';

/** Wrong usage: what was wrong, and where help is. */
export const usageError = (command: string, message: string): CliError =>
  new CliError(`${message}\nSee: millrace ${command} --help`, exitCodes.usage);

/** Values of the options, as `parseArgs` gives them. */
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export interface Invocation {
  readonly client: ApiClient;
  readonly terminal: Terminal;
  readonly words: readonly string[];
  readonly options: OptionValues;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** One command of the CLI: a file in `commands/`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Usage lines and explanation, printed by `--help`. */
  readonly help: string;
  readonly options: ParseArgsOptionsConfig;
  run(invocation: Invocation): Promise<void>;
}

/** Text of an option, or undefined. */
export const textOption = (options: OptionValues, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** Splits `OWNER/ALGO[/VERSION]`; throws a usage error otherwise. */
export const parseReference = (
  command: string,
  text: string | undefined,
): { owner: string; name: string; version: string | null } => {
  const parts = (text ?? '').replace(/^algo:\/\//, '').split('/');
  const [owner, name, version] = parts;
  if (owner === undefined || owner === '' || name === undefined || name === '' || parts.length > 3) {
    throw usageError(command, `expected OWNER/ALGO[/VERSION], got ${text === undefined ? 'nothing' : `"${text}"`}`);
  }
  return { owner, name, version: version ?? null };
};
