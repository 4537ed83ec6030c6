import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { asPlatformError, type PlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { adoptRunner, type Runner, startRunner } from '../sandboxes/runner.ts';
import type { Mount, SandboxDriver, SandboxSpec } from '../sandboxes/sandbox.ts';
import type { Artefacts, HeldLayer } from './artefacts.ts';
import type { SandboxClass } from './call.ts';
import { type Endpoint, openEndpoint } from './endpoint/endpoint.ts';
import { executorErrors } from './errors.ts';
import { algorithmFolder, type Language } from './languages.ts';
import { initializationError, systemError } from './run-error.ts';
import { createRunnerSession } from './runner-session.ts';
import { type LimitsMax, limitsOf } from './sandbox-limits.ts';
import type { OpenFailure, OpenSession } from './session.ts';
import type { Prewarmed, Stock } from './stock/stock.ts';

export interface OpenSessionDeps {
  readonly driver: SandboxDriver;
  readonly artefacts: Artefacts;
  readonly languages: ReadonlyMap<string, Language>;
  readonly limitsMax: LimitsMax;
  readonly stock: Stock;
  /** For the sandboxes' sockets: a short path. */
  readonly socketFolder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a sandbox is wanted for. */
interface Wanted {
  readonly sandboxClass: SandboxClass;
  readonly language: Language;
  readonly layers: readonly Mount[];
}

interface SpecParts extends Wanted {
  readonly id: string;
  readonly endpoint: string;
}

interface Opened {
  readonly runner: Runner;
  readonly endpoint: Endpoint;
}

const timeoutOf = ({ sandboxClass }: Wanted): number => sandboxClass.build.run.loadTimeoutS * 1_000;

const specOf = ({ limitsMax }: OpenSessionDeps, parts: SpecParts): SandboxSpec => {
  const { language, sandboxClass } = parts;
  return {
    id: parts.id,
    command: language.command,
    environment: language.environment,
    workingFolder: algorithmFolder,
    mounts: [...parts.layers, ...language.mounts],
    limits: limitsOf(sandboxClass.build.run, limitsMax),
    network: sandboxClass.network,
    resultChannel: true,
    endpoint: parts.endpoint,
  };
};

const failureOf = (error: PlatformError): OpenFailure => {
  // Its message holds the log of the load.
  if (error.code === 'SANDBOX_LOAD_FAILED') return { kind: 'load', error: initializationError(error.message) };
  return { kind: 'platform', error: systemError(`No sandbox could be prepared: ${error.message}`) };
};

const languageOf = (deps: OpenSessionDeps, name: string): Language => {
  const language = deps.languages.get(name);
  if (language !== undefined) return language;
  const known = [...deps.languages.keys()].join(', ');
  throw executorErrors.RUNNER_MISSING({ message: `There is no runner for the language "${name}", only for ${known}.` });
};

/** Takes sandboxes from the stock, or starts them: layers mounted read-only, the language's runner as the command, limits within the pool's. */
export const createOpenSession = (deps: OpenSessionDeps): OpenSession => {
  /** The layers of the artefact with where they belong. All are held, or none. */
  const holdLayers = async (sandboxClass: SandboxClass, language: Language) => {
    const { app, dependencies } = sandboxClass.build.artefact;
    const wanted = [{ digest: app, target: algorithmFolder }];
    if (dependencies !== null) wanted.push({ digest: dependencies, target: language.dependenciesTarget });
    const held: HeldLayer[] = [];
    const release = (): void => {
      for (const layer of held) layer.release();
    };
    try {
      const mounts: Mount[] = [];
      for (const { digest, target } of wanted) {
        const layer = await deps.artefacts.hold(digest);
        held.push(layer);
        mounts.push({ source: layer.folder, target, writable: false });
      }
      return { mounts, release };
    } catch (error) {
      release();
      throw error;
    }
  };

  const startCold = async (wanted: Wanted): Promise<Opened> => {
    const { clock, driver, logger, random, socketFolder } = deps;
    const id = `run-${random.uuid().slice(0, 18)}`;
    const endpoint = await openEndpoint(join(socketFolder, `${id}.sock`));
    try {
      const spec = specOf(deps, { ...wanted, id, endpoint: endpoint.path });
      return { endpoint, runner: await startRunner({ driver, spec, loadTimeoutMs: timeoutOf(wanted), clock, logger }) };
    } catch (error) {
      await endpoint.close();
      throw error;
    }
  };

  /** Null when it could not be made the sandbox of this class: an other one is started then. */
  const adopt = async ({ sandbox, endpoint }: Prewarmed, wanted: Wanted): Promise<Opened | null> => {
    const { clock, limitsMax, logger } = deps;
    const limits = limitsOf(wanted.sandboxClass.build.run, limitsMax);
    const loadTimeoutMs = timeoutOf(wanted);
    const mounts = wanted.layers;
    try {
      return {
        endpoint,
        runner: await adoptRunner({ sandbox, mounts, limits, algorithmFolder, loadTimeoutMs, clock, logger }),
      };
    } catch (error) {
      await endpoint.close();
      const { code, message } = asPlatformError(error);
      if (code === 'SANDBOX_LOAD_FAILED') throw error;
      logger.warn({ event: 'sandbox.not-adopted', sandbox: sandbox.id, reason: message });
      return null;
    }
  };

  const open = async (wanted: Wanted): Promise<Opened> => {
    const prewarmed = deps.stock.take(wanted.language, wanted.sandboxClass.network);
    const adopted = prewarmed === null ? null : await adopt(prewarmed, wanted);
    return adopted ?? (await startCold(wanted));
  };

  return async (sandboxClass) => {
    const { clock, logger, stock } = deps;
    const begunMs = clock.monotonicMs();
    let release = (): void => {};
    try {
      const language = languageOf(deps, sandboxClass.language);
      const layers = await holdLayers(sandboxClass, language);
      ({ release } = layers);
      const { runner, endpoint } = await open({ sandboxClass, language, layers: layers.mounts });
      const tookMs = Math.round(clock.monotonicMs() - begunMs);
      logger.debug({ event: 'sandbox.prepared', class: sandboxClass.key, sandbox: runner.id, tookMs });
      const onGone = (): void => {
        release();
        void endpoint.close();
      };
      return { kind: 'open', session: createRunnerSession({ runner, endpoint, clock, onGone }) };
    } catch (error) {
      release();
      return { kind: 'failed', failure: failureOf(asPlatformError(error)) };
    } finally {
      stock.refill();
    }
  };
};
