import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** What the CLI takes from its surroundings. */
export interface CliEnvironment {
  /** `MILLRACE_API`, else the local platform's address. */
  readonly address: string;
  /** `MILLRACE_API_KEY`, else the key of the platform in this folder. Empty when there is none. */
  readonly key: string;
  readonly dataFolder: string;
  readonly colour: boolean;
}

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
};

/** Reads environment variables, then the files that `millrace up` leaves in the data folder. */
export const readEnvironment = (): CliEnvironment => {
  const { env } = process;
  const dataFolder = env['MILLRACE_DATA_DIR'] ?? '.millrace';
  const port = env['MILLRACE_HTTP_PORT'] ?? '8080';
  const local = readText(join(dataFolder, 'address')) || `http://127.0.0.1:${port}`;
  return {
    address: (env['MILLRACE_API'] ?? local).replace(/\/$/, ''),
    key: env['MILLRACE_API_KEY'] ?? env['MILLRACE_ADMIN_KEY'] ?? readText(join(dataFolder, 'admin.key')),
    dataFolder,
    colour: env['NO_COLOR'] === undefined,
  };
};
