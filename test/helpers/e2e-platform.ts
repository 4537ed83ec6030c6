import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startE2eProcess } from './e2e-process.ts';
import { freePortPair } from './free-ports.ts';

/** Where the platform that all end-to-end tests share is found. */
export interface SharedPlatform {
  readonly address: string;
  readonly adminKey: string;
  readonly kafkaPort: number;
  readonly dataFolder: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    platform: SharedPlatform;
  }
}

/** Starts the shared platform once for the whole project; vitest calls what this gives at the end. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'millrace-e2e-'));
  const kafkaPort = await freePortPair();
  const platform = await startE2eProcess({
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_KAFKA_PORT: String(kafkaPort),
    MILLRACE_ADMIN_KEY: 'simEndToEnd',
  });
  project.provide('platform', { address: platform.address, adminKey: platform.adminKey, kafkaPort, dataFolder });
  return async () => {
    await platform.end('SIGTERM');
    await rm(dataFolder, { recursive: true, force: true });
  };
};
