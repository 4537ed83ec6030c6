import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Executor } from '../../src/executors/executors.ts';
import type { Result } from '../../src/kernel/contracts/contracts.gen.ts';
import type { DriverUnderAttack } from '../hostile/drivers.ts';
import { type Call, type Deployed, type ExecutorScenario, openExecutorScenario, until } from './executor-scenario.ts';
import { type Neighbour, neighbourMarker, startNeighbour } from './hostile-neighbour.ts';

/** What an algorithm is deployed with. */
export type DeployOptions = Parameters<ExecutorScenario['deploy']>[1];

/** A hostile algorithm. */
export interface Attacker {
  readonly deployed: Deployed;
  /** Calls its function `todo`; the call has `timeoutMs`, by default five seconds. */
  call(todo: string, input?: object, call?: Call & { readonly timeoutMs?: number }): Promise<Result>;
  /** Host ids of the processes that see its files. */
  processes(): readonly number[];
}

/** That it is answered as if nothing had been, by a fresh sandbox if need be. */
export const expectNextCall = async (attacker: Attacker): Promise<void> => {
  expect(valueOf(await attacker.call('ping', {}, { timeoutMs: 10_000 }))).toBe('pong');
};

const attemptsMax = 4;
/** Twice what is usual is what a neighbour may wait. */
const allowedMs = (usualMs: number, floorMs: number): number => Math.max(2 * usualMs, floorMs);
/** How far an answer may be behind its deadline. */
export const graceMs = 1_500;
const samplesMin = 100;

const lookEveryMs = 200;

/** How long what is left of an attack may take to go: idle sandboxes are ended after a second. */
const goneWithinMs = 8_000;

/** Looks until there is no difference any more; gives what it is when that takes too long. */
const lastDifference = async (difference: () => Promise<readonly string[]>): Promise<readonly string[]> => {
  for (let left = goneWithinMs / lookEveryMs; left > 0; left -= 1) {
    if ((await difference()).length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return await difference();
};

const processIds = (): readonly number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

/** Host ids of the processes in whose algorithm's folder this file lies. */
const seeing = (file: string): readonly number[] =>
  processIds().filter((pid) => existsSync(`/proc/${pid}/root/opt/algorithm/${file}`));

const seesEmptyFolder = (pid: number): boolean => {
  try {
    return readdirSync(`/proc/${pid}/root/opt/algorithm`).length === 0;
  } catch {
    return false; // it has none, or has ended
  }
};

/** Host ids of the processes of sandboxes that wait for their first algorithm. */
const waiting = (): readonly number[] => processIds().filter(seesEmptyFolder);

const attacks = join(import.meta.dirname, '../hostile/attacks');
const textOf = (body: Buffer | null): string => body?.toString('utf8') ?? '';

/** What a call answered, as JSON or text. */
export const valueOf = (result: Result): unknown =>
  result.contentType === 'json' ? JSON.parse(textOf(result.body)) : textOf(result.body);

/** An algorithm that uses the processor that it has for so many seconds, as it may. */
const computing = `
import time
def apply(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end: pass
`;

/** How it is when nobody attacks. */
interface Quiet {
  readonly p99Ms: number;
  readonly traces: readonly string[];
}

interface SceneParts {
  readonly driver: DriverUnderAttack;
  readonly scenario: ExecutorScenario;
  readonly executor: Executor;
  readonly neighbour: Neighbour;
  readonly quiet: Quiet;
}

/** An executor with a neighbour that is called all the while, and attackers beside it. */
export class HostileScene {
  readonly scenario: ExecutorScenario;
  readonly neighbour: Neighbour;
  readonly #driver: DriverUnderAttack;
  readonly #quiet: Quiet;
  readonly #executor: Executor;
  #attackers = 0;

  constructor({ driver, scenario, executor, neighbour, quiet }: SceneParts) {
    this.#driver = driver;
    this.scenario = scenario;
    this.#executor = executor;
    this.neighbour = neighbour;
    this.#quiet = quiet;
  }

  /** Deploys `attacks/NAME.py`, with more files if wanted. */
  async deploy(name: string, options: DeployOptions = {}, files: Readonly<Record<string, string>> = {}) {
    const source = await readFile(join(attacks, `${name}.py`), 'utf8');
    return await this.deploySource(source, options, files);
  }

  /** Deploys a source as an attacker. */
  async deploySource(
    source: string,
    options: DeployOptions = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<Attacker> {
    this.#attackers += 1;
    const marker = `marker-${process.pid}-${this.#attackers}`;
    const all = { 'src/work.py': source, 'algorithmia.conf': '{"algoname":"work"}', [marker]: '', ...files };
    const deployed = await this.scenario.deploy(all, options);
    return {
      deployed,
      call: async (todo, input = {}, { timeoutMs = 5_000, ...call } = {}) => {
        const body = JSON.stringify({ do: todo, ...input });
        const deadlineMs = this.scenario.clock.nowMs() + timeoutMs;
        const { result } = await this.scenario.call(deployed, body, { deadlineMs, ...call });
        expect(result.finishedAtMs).toBeLessThan(deadlineMs + graceMs);
        return result;
      },
      processes: () => seeing(marker),
    };
  }

  /**
   * Runs an attack. Afterwards the neighbour was answered rightly and quickly all the while, and nothing of the
   * attacker's sandboxes is left: the pool ends those that nobody calls after a second. An attack that slowed the
   * neighbour down is repeated, and compared with what innocent newcomers cost it at that time: they compute, their
   * sandboxes have to be started as well, and other work of this machine slows it down, too.
   */
  async attack(attacker: Attacker, work: () => Promise<void>): Promise<void> {
    const floorMs = this.#driver.neighbourFloorMs;
    let p99Ms = await this.#attackOnce(attacker, work);
    let usualMs = this.#quiet.p99Ms;
    for (let left = attemptsMax - 1; left > 0 && p99Ms > allowedMs(usualMs, floorMs); left -= 1) {
      usualMs = Math.max(usualMs, await this.#p99BesideNewcomers());
      if (p99Ms > allowedMs(usualMs, floorMs)) p99Ms = await this.#attackOnce(attacker, work);
    }
    expect(p99Ms).toBeLessThanOrEqual(allowedMs(usualMs, floorMs));
  }

  /** The neighbour's 99th percentile while two algorithms are called for the first time: an attack mostly costs a sandbox and its successor. */
  async #p99BesideNewcomers(): Promise<number> {
    await untilOneWaits(this.scenario, this.#executor);
    const begunMs = this.scenario.clock.nowMs();
    for (const newcomer of [1, 2]) {
      const { deployed } = await this.deploySource(`# ${newcomer}\n${computing}`);
      await this.scenario.call(deployed, '1');
    }
    await until(() => this.neighbour.countSince(begunMs) >= samplesMin);
    return this.neighbour.p99Since(begunMs);
  }

  /** The neighbour's 99th percentile meanwhile. */
  async #attackOnce(attacker: Attacker, work: () => Promise<void>): Promise<number> {
    await untilOneWaits(this.scenario, this.#executor);
    const begunMs = this.scenario.clock.nowMs();
    await work();
    await until(() => this.neighbour.countSince(begunMs) >= samplesMin);
    const p99Ms = this.neighbour.p99Since(begunMs);
    // Looking is work for this process, in which the executor runs as well: not while the neighbour is measured.
    expect(
      await lastDifference(async () => await Promise.resolve(attacker.processes().map((pid) => `process ${pid}`))),
    ).toEqual([]);
    expect(await lastDifference(async () => await this.#newTraces())).toEqual([]);
    expect(this.scenario.failures).toEqual([]);
    expect(this.neighbour.wrong).toEqual([]);
    return p99Ms;
  }

  async #newTraces(): Promise<readonly string[]> {
    const traces = await tracesOf(this.#driver, this.scenario);
    return traces.filter((each) => !this.#quiet.traces.includes(each));
  }

  async close(): Promise<void> {
    await this.neighbour.stop();
    await this.scenario.close();
    expect(this.scenario.failures).toEqual([]);
  }
}

const quietP99Of = async (neighbour: Neighbour, { clock }: ExecutorScenario): Promise<number> => {
  const begunMs = clock.nowMs();
  await until(() => neighbour.countSince(begunMs) >= samplesMin);
  return neighbour.p99Since(begunMs);
};

/** All but the neighbour's sandbox and those that wait. */
const tracesOf = async (driver: DriverUnderAttack, { folder }: ExecutorScenario): Promise<readonly string[]> =>
  await driver.traces(folder, [...seeing(neighbourMarker), ...waiting()]);

/** Until the next class of Python has a sandbox that was started ahead, where this machine allows that. */
const untilOneWaits = async ({ adopts }: ExecutorScenario, executor: Executor): Promise<void> => {
  await until(() => !adopts || (executor.presence().warm['prewarmed:python3'] ?? 0) > 0);
};

/**
 * Opens a scene under a driver, as in production: with sandboxes that are started ahead. The neighbour is measured in
 * quiet first.
 */
export const openHostileScene = async (driver: DriverUnderAttack): Promise<HostileScene> => {
  // Sandboxes of attackers go soon, so that what is left of them can be told from what is warm.
  const scenario = await openExecutorScenario(driver.kind, { MILLRACE_IDLE_EXPIRY_S: 1, MILLRACE_PREWARMED: 1 });
  const executor = await scenario.startExecutor();
  await untilOneWaits(scenario, executor);
  const neighbour = await startNeighbour(scenario);
  await untilOneWaits(scenario, executor);
  const quiet = {
    p99Ms: await quietP99Of(neighbour, scenario),
    traces: await tracesOf(driver, scenario),
  };
  return new HostileScene({ driver, scenario, executor, neighbour, quiet });
};
