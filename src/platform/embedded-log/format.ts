import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type BrokerFiles, writePrivate } from './broker-files.ts';
import type { EmbeddedLogCredentials } from './credentials.ts';
import { embeddedLogErrors } from './errors.ts';
import { argumentFile } from './java-command.ts';
import { serverProperties } from './server-properties.ts';

export interface FormatOptions {
  readonly files: BrokerFiles;
  readonly port: number;
  readonly jars: readonly string[];
  readonly credentials: EmbeddedLogCredentials;
}

const outputOf = (error: unknown): string =>
  error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : '';

const runFormat = async (options: FormatOptions, aside: string): Promise<void> => {
  const { files, port, jars, credentials } = options;
  const properties = path.join(files.folder, 'format.properties');
  const program = path.join(files.folder, 'format.args');
  const clusterId = randomBytes(16).toString('base64url');
  const user = `SCRAM-SHA-512=[name=${credentials.username},password=${credentials.password}]`;
  await writePrivate(properties, serverProperties({ port, dataFolder: aside, credentials }));
  await writePrivate(
    program,
    argumentFile({
      jars,
      logFile: files.log,
      heapMb: 64,
      flags: ['-XX:TieredStopAtLevel=1'],
      mainClass: 'kafka.tools.StorageTool',
      // In one word: an id may begin with a hyphen.
      arguments: ['format', `--cluster-id=${clusterId}`, '-c', properties, '--add-scram', user],
    }),
  );
  try {
    await promisify(execFile)('java', [`@${program}`], { timeout: 60_000 });
  } finally {
    await rm(properties, { force: true });
    await rm(program, { force: true });
  }
};

/**
 * Formats the data folder, with the platform's own user in it, when it is not yet. Done aside and renamed, so that a
 * format that was cut off leaves nothing half made.
 * @throws `EMBEDDED_LOG_FORMAT_FAILED`.
 */
export const ensureFormatted = async (options: FormatOptions): Promise<void> => {
  const { files } = options;
  if (existsSync(path.join(files.data, 'meta.properties'))) return;
  const aside = `${files.data}.new`;
  await rm(aside, { recursive: true, force: true });
  try {
    await runFormat(options, aside);
    await rename(aside, files.data);
  } catch (cause) {
    const message = `The folder ${files.data} could not be formatted for the log. ${outputOf(cause)}`.trimEnd();
    throw embeddedLogErrors.FORMAT_FAILED({ message, cause });
  }
};
