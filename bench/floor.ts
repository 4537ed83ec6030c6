import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';

/** The floor: the smallest program of the product's shape, on the same broker. See floor/. */
export interface Floor {
  readonly url: string;
  stop(): Promise<void>;
}

export interface BrokerAccess {
  readonly broker: string;
  readonly username: string;
  readonly password: string;
}

const folderOf = import.meta.dirname;

const createTopics = async (access: BrokerAccess, topics: ReadonlyMap<string, number>): Promise<void> => {
  const admin = new Admin({
    clientId: 'bench',
    bootstrapBrokers: [access.broker],
    sasl: { mechanism: 'SCRAM-SHA-512', username: access.username, password: access.password },
  });
  for (const [name, partitions] of topics) await admin.createTopics({ topics: [name], partitions, replicas: 1 });
  await admin.close();
};

const upWithin = async (child: ChildProcess, text: string): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(text)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the floor's ${text} ended with ${code ?? 'a signal'}`)));
  });
};

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
};

/** Starts gateway and worker of the floor; `http: false` starts the worker alone, on topics that are there, from the earliest record. */
export const startFloor = async (options: {
  readonly access: BrokerAccess;
  readonly port: number;
  readonly requests: string;
  readonly results: string;
  readonly http: boolean;
}): Promise<Floor> => {
  const { access, port, requests, results, http } = options;
  const scratch = mkdtempSync(join(tmpdir(), 'millrace-floor-'));
  if (http)
    await createTopics(
      access,
      new Map([
        [requests, 4],
        [results, 1],
      ]),
    );
  const env = {
    PATH: process.env['PATH'],
    KAFKA: access.broker,
    SASL_USERNAME: access.username,
    SASL_PASSWORD: access.password,
    REQUESTS: requests,
    RESULTS: results,
    PORT: String(port),
    FOLDER: scratch,
    FROM: http ? 'latest' : 'earliest',
    RESULT_PARTITIONS: http ? '1' : '4',
  };
  const start = async (name: 'worker' | 'gateway'): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [join(folderOf, 'floor', `${name}.mjs`)], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await upWithin(child, `${name} up`);
    return child;
  };
  const children = [await start('worker')];
  if (http) children.push(await start('gateway'));
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      for (const child of children.reverse()) await ended(child);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
};
