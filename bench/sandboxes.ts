import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLanguages } from '../src/executors/languages.ts';
import { silentLogger } from '../src/kernel/logger.ts';
import { systemClock } from '../src/platform/clock.ts';
import { createSandboxDriver } from '../src/sandboxes/create.ts';
import { type Runner, startRunner } from '../src/sandboxes/runner.ts';
import type { Sandbox, SandboxDriver, SandboxSpec } from '../src/sandboxes/sandbox.ts';
import { percentile, type Row } from './figures.ts';
import { memoryBelow } from './memory.ts';

const here = import.meta.dirname;
const mebibyte = 2 ** 20;
const nothing = { rps: 0, p50_ms: 0, p95_ms: 0, p99_ms: 0, rps_min: 0, rps_max: 0, failed: 0 };

/** A driver on a folder of its own, as the platform makes one. */
const onDriver = async <Value>(
  kind: 'bubblewrap' | 'docker',
  measure: (driver: SandboxDriver) => Promise<Value>,
): Promise<Value> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-sandboxes-'));
  chmodSync(folder, 0o711);
  try {
    const runFolder = join(folder, 'run');
    const driver = await createSandboxDriver({ kind, runFolder, clock: systemClock, logger: silentLogger });
    try {
      return await measure(driver);
    } finally {
      await driver.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const specOf = (id: string): SandboxSpec => {
  const languages = createLanguages({ runtimeFolder: resolve(here, '../runtime'), nodeBinary: process.execPath });
  const python = languages.get('python3');
  if (python === undefined) throw new Error('there is no Python on this machine');
  const algorithm = { source: resolve(here, 'algorithms/echo'), target: '/opt/algorithm', writable: false };
  return {
    id,
    command: python.command,
    environment: python.environment,
    workingFolder: '/opt/algorithm',
    mounts: [algorithm, ...python.mounts],
    limits: {
      memoryBytes: 256 * mebibyte,
      cpus: 1,
      processes: 64,
      diskBytes: 64 * mebibyte,
      fileBytes: 64 * mebibyte,
      gpus: 0,
    },
    network: 'none',
    resultChannel: true,
    endpoint: null,
  };
};

const startWarm = async (driver: SandboxDriver, spec: SandboxSpec): Promise<Runner> =>
  await startRunner({ driver, spec, loadTimeoutMs: 60_000, clock: systemClock, logger: silentLogger });

const callOnce = async (runner: Runner): Promise<void> => {
  const outcome = await runner.call({ contentType: 'json', body: Buffer.from('1'), timeoutMs: 60_000 });
  if (outcome.kind !== 'result') throw new Error(`a sandbox of the bench answered: ${JSON.stringify(outcome)}`);
};

/** Memory of idle Python sandboxes that have answered one call; what they share counts once. */
export const measureDensity = async (
  count: number,
  say: (text: string) => void,
): Promise<Row & { readonly mib: number }> =>
  await onDriver('bubblewrap', async (driver) => {
    const before = memoryBelow(process.pid);
    for (let n = 0; n < count; n += 1) await callOnce(await startWarm(driver, specOf(`dense-${n}`)));
    const mib = (memoryBelow(process.pid) - before) / mebibyte;
    say(`density ${count} idle sandboxes ${mib.toFixed(0)} MiB`);
    return { case: 'density', side: 'product', concurrency: count, ...nothing, runs: 1, mib };
  });

const rowOfTimes = (name: string, times: readonly number[]): Row => ({
  ...nothing,
  case: name,
  side: 'product',
  concurrency: 1,
  p50_ms: percentile(times, 0.5),
  p95_ms: percentile(times, 0.95),
  p99_ms: percentile(times, 0.99),
  runs: times.length,
});

/** A driver that tells when its sandbox's process ran. */
const noting = (driver: SandboxDriver, started: () => void): SandboxDriver => ({
  ...driver,
  start: async (spec): Promise<Sandbox> => {
    const sandbox = await driver.start(spec);
    started();
    return sandbox;
  },
});

/** Cold starts of an echo in Python by stage: the sandbox, the interpreter with the algorithm, the first call, the end. */
export const measureStages = async (
  kind: 'bubblewrap' | 'docker',
  starts: number,
  say: (text: string) => void,
): Promise<readonly Row[]> =>
  await onDriver(kind, async (driver) => {
    const stages = { sandbox: [] as number[], load: [] as number[], 'first-call': [] as number[], end: [] as number[] };
    for (let n = 0; n < starts; n += 1) {
      const begunMs = performance.now();
      let startedMs = begunMs;
      const runner = await startWarm(
        noting(driver, () => {
          startedMs = performance.now();
        }),
        specOf(`stage-${n}`),
      );
      const loadedMs = performance.now();
      await callOnce(runner);
      const calledMs = performance.now();
      await runner.stop(0);
      stages.sandbox.push(startedMs - begunMs);
      stages.load.push(loadedMs - startedMs);
      stages['first-call'].push(calledMs - loadedMs);
      stages.end.push(performance.now() - calledMs);
    }
    const rows = Object.entries(stages).map(([stage, times]) => rowOfTimes(`${kind}-${stage}`, times));
    for (const row of rows)
      say(`cold start, ${row.case}: p50 ${row.p50_ms.toFixed(1)}, p95 ${row.p95_ms.toFixed(1)} ms`);
    return rows;
  });
