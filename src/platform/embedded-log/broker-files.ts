import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { ProcessMark } from './running-process.ts';

/** Where an embedded log keeps its things. */
export interface BrokerFiles {
  readonly folder: string;
  /** The partitions. */
  readonly data: string;
  readonly properties: string;
  /** Arguments of the broker's Java; its absolute path on a command line marks a process as this folder's broker. */
  readonly arguments: string;
  readonly pid: string;
  /** Kafka's own warnings and errors. */
  readonly log: string;
  /** What Java prints before Kafka's log is open, or when it dies. */
  readonly output: string;
}

/** The files of the embedded log of a data folder. */
export const brokerFiles = (dataFolder: string): BrokerFiles => {
  const folder = path.resolve(dataFolder, 'kafka');
  const logs = path.resolve(dataFolder, 'logs');
  return {
    folder,
    data: path.join(folder, 'data'),
    properties: path.join(folder, 'server.properties'),
    arguments: path.join(folder, 'broker.args'),
    pid: path.join(folder, 'broker.pid'),
    log: path.join(logs, 'kafka.log'),
    output: path.join(logs, 'kafka.out'),
  };
};

/** Makes the folders: the log's own is its owner's only. */
export const makeFolders = async (files: BrokerFiles): Promise<void> => {
  await mkdir(path.dirname(files.log), { recursive: true }); // makes the data folder too, with the usual mode
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
};

/** Writes a file that holds secrets. */
export const writePrivate = async (file: string, text: string): Promise<void> => {
  await rm(file, { force: true }); // a mode is given only to a file that is made
  await writeFile(file, text, { mode: 0o600 });
};

/** The last lines of a file, for an error message; empty when there is none. */
export const lastLines = async (file: string, count: number): Promise<string> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-count).join('\n');
};

const mark = Type.Object({ pid: Type.Integer(), startedTicks: Type.String() });
const pidFile = Type.Object({ broker: mark, supervisor: mark });

/** Who runs the log of a folder, as the pid file says. */
export interface PidRecord {
  readonly broker: ProcessMark;
  readonly supervisor: ProcessMark;
}

/** Reads the pid file; undefined when there is none that can be read. */
export const readPid = async (file: string): Promise<PidRecord | undefined> => {
  try {
    return Value.Parse(pidFile, JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
};
