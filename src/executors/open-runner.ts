import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { asPlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { adoptRunner, type Runner, startRunner } from '../sandboxes/runner.ts';
import type { Mount, SandboxDriver, SandboxSpec } from '../sandboxes/sandbox.ts';
import type { SandboxClass } from './call.ts';
import { type Endpoint, openEndpoint } from './endpoint/endpoint.ts';
import { algorithmFolder, forkingCommand, type Language } from './languages.ts';
import { type LimitsMax, limitsOf } from './sandbox-limits.ts';
import type { Prewarmed, Stock } from './stock/stock.ts';

export interface OpenRunnerDeps {
  readonly driver: SandboxDriver;
  readonly stock: Stock;
  readonly limitsMax: LimitsMax;
  /** For the sandboxes' sockets: a short path. */
  readonly socketFolder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a runner is wanted for. */
export interface Wanted {
  readonly sandboxClass: SandboxClass;
  readonly language: Language;
  readonly layers: readonly Mount[];
  /** Folder with the algorithm's system packages; null: it has none. */
  readonly systemLayer: string | null;
  /** Forking calls is known to be impossible for this class. */
  readonly forkless?: boolean;
}

/** A runner that has loaded the algorithm, and its way to the platform. */
export interface OpenRunner {
  readonly runner: Runner;
  readonly endpoint: Endpoint;
}

const timeoutOf = ({ sandboxClass }: Wanted): number => sandboxClass.build.run.loadTimeoutS * 1_000;

/** What a sandbox of the class sees and may take, whatever runs in it. */
export const surroundingsOf = (
  { sandboxClass, language, layers, systemLayer }: Omit<Wanted, 'forkless'>,
  limitsMax: LimitsMax,
) => ({
  environment: language.environment,
  workingFolder: algorithmFolder,
  mounts: [...layers, ...language.mounts],
  limits: limitsOf(sandboxClass.build.run, limitsMax),
  network: sandboxClass.network,
  systemLayer,
});

const startCold = async (deps: OpenRunnerDeps, wanted: Wanted, forks: boolean): Promise<OpenRunner> => {
  const { clock, driver, limitsMax, logger } = deps;
  const id = `run-${deps.random.uuid().slice(0, 18)}`;
  const endpoint = await openEndpoint(join(deps.socketFolder, `${id}.sock`));
  const spec: SandboxSpec = {
    ...surroundingsOf(wanted, limitsMax),
    id,
    ...(forks ? { command: forkingCommand(wanted.language), nests: true } : { command: wanted.language.command }),
    resultChannel: true,
    endpoint: endpoint.path,
  };
  try {
    return { endpoint, runner: await startRunner({ driver, spec, loadTimeoutMs: timeoutOf(wanted), clock, logger }) };
  } catch (error) {
    await endpoint.close();
    throw error;
  }
};

/** Null when it could not be made the sandbox of this class: another one has to be started. */
const adopt = async (
  { clock, limitsMax, logger }: OpenRunnerDeps,
  { sandbox, endpoint }: Prewarmed,
  wanted: Wanted,
): Promise<OpenRunner | null> => {
  try {
    const runner = await adoptRunner({
      sandbox,
      mounts: wanted.layers,
      limits: limitsOf(wanted.sandboxClass.build.run, limitsMax),
      algorithmFolder,
      loadTimeoutMs: timeoutOf(wanted),
      clock,
      logger,
    });
    return { endpoint, runner };
  } catch (error) {
    await endpoint.close();
    const { code, message } = asPlatformError(error);
    if (code === 'SANDBOX_LOAD_FAILED') throw error;
    logger.warn({ event: 'sandbox.not-adopted', sandbox: sandbox.id, reason: message });
    return null;
  }
};

/** Devices, hosts and system packages are there from a sandbox's start or not at all. */
const takePrewarmed = ({ limitsMax, stock }: OpenRunnerDeps, wanted: Wanted): Prewarmed | null => {
  const { build, network } = wanted.sandboxClass;
  const { gpus } = limitsOf(build.run, limitsMax);
  const fromStart = gpus > 0 || typeof network === 'object' || wanted.systemLayer !== null;
  return fromStart ? null : stock.take(wanted.language, network);
};

/** Where it turns out that it cannot, the runner takes a single call and is not asked to fork for this class again. */
const mayFork = ({ sandboxClass, language, forkless }: Wanted): boolean =>
  language.forks && sandboxClass.build.run.isolation === 'call' && forkless !== true;

/**
 * A runner of the class, in a sandbox from the stock or in one started for it: layers mounted read-only, limits within
 * the pool's. Throws `SANDBOX_START_FAILED` or `SANDBOX_LOAD_FAILED`.
 */
export const openRunner = async (deps: OpenRunnerDeps, wanted: Wanted): Promise<OpenRunner> => {
  if (mayFork(wanted)) return await startCold(deps, wanted, true);
  const prewarmed = takePrewarmed(deps, wanted);
  const adopted = prewarmed === null ? null : await adopt(deps, prewarmed, wanted);
  return adopted ?? (await startCold(deps, wanted, false));
};
