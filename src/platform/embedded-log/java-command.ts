import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { embeddedLogErrors } from './errors.ts';

const logConfiguration = fileURLToPath(new URL('../../../runtime/kafka/log4j2.xml', import.meta.url));

/** Kafka's artefacts in a folder, in an order that is always the same (the class archive depends on it). */
export const findJars = (folder: string): readonly string[] => {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jar')) : [];
  if (!names.some((name) => name.startsWith('kafka_2.13-'))) {
    throw embeddedLogErrors.NOT_INSTALLED({
      message: `Apache Kafka is not in ${folder}. Run \`node bin/setup.mjs\`, which fetches it, or set MILLRACE_KAFKA_BROKERS to use a cluster.`,
    });
  }
  return names.sort().map((name) => path.resolve(folder, name));
};

export interface JavaProgram {
  readonly jars: readonly string[];
  /** Where the program's own log goes; see runtime/kafka/log4j2.xml. */
  readonly logFile: string;
  readonly heapMb: number;
  readonly flags?: readonly string[];
  readonly mainClass: string;
  readonly arguments: readonly string[];
}

const quoted = (argument: string): string => `"${argument.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/**
 * The content of an argument file (`java @file`). Arguments go by file because everybody on the machine can read a
 * command line, and because the file's path on the command line tells whose broker it is.
 */
export const argumentFile = (program: JavaProgram): string =>
  [
    `-Xmx${program.heapMb}m`,
    // One collector thread and the smallest footprint; pauses at this heap size are a few milliseconds.
    '-XX:+UseSerialGC',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:+PerfDisableSharedMem',
    ...(program.flags ?? []),
    '-Djava.awt.headless=true',
    '-Djava.net.preferIPv4Stack=true',
    `-Dlog4j2.configurationFile=${logConfiguration}`,
    `-Dmillrace.log=${program.logFile}`,
    '-cp',
    program.jars.join(':'),
    program.mainClass,
    ...program.arguments,
  ]
    .map((argument) => `${quoted(argument)}\n`)
    .join('');
