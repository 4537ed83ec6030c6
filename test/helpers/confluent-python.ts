import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';

const root = join(import.meta.dirname, '../..');
const fixture = join(root, 'test/fixtures/confluent-python');
const environment = join(root, 'node_modules/.cache/confluent-python');

/** What `decode.py` prints. */
export interface PythonDecoded {
  readonly subjects: readonly string[];
  readonly versions: readonly number[];
  readonly latestId: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Makes the Python environment with Confluent's client when it is not there. */
export const prepareConfluentPython = async (): Promise<void> => {
  const python = join(environment, 'bin/python');
  if (!existsSync(python)) {
    await mkdir(join(environment, '..'), { recursive: true });
    await runProgram('python3', ['-m', 'venv', environment]);
  }
  const requirements = join(fixture, 'requirements.txt');
  await runProgram(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
};

/** Decodes a framed value of that topic with Confluent's Python client and the registry at `url`. */
export const decodeInPython = async (url: string, topic: string, value: Buffer): Promise<PythonDecoded> => {
  const args = [join(fixture, 'decode.py'), url, topic];
  return JSON.parse(await runProgram(join(environment, 'bin/python'), args, value.toString('base64'))) as PythonDecoded;
};
