import type { Clock } from '../kernel/clock.ts';
import { asPlatformError, type PlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { startRunner } from '../sandboxes/runner.ts';
import type { Mount, SandboxDriver, SandboxLimits, SandboxSpec } from '../sandboxes/sandbox.ts';
import type { Artefacts, HeldLayer } from './artefacts.ts';
import type { SandboxClass } from './call.ts';
import { executorErrors } from './errors.ts';
import { algorithmFolder, type Language } from './languages.ts';
import { initializationError, systemError } from './run-error.ts';
import { createRunnerSession } from './runner-session.ts';
import type { OpenFailure, OpenSession } from './session.ts';

export interface OpenSessionDeps {
  readonly driver: SandboxDriver;
  readonly artefacts: Artefacts;
  readonly languages: ReadonlyMap<string, Language>;
  /** The most that a sandbox of this pool gets, whatever its build asks for. */
  readonly limitsMax: Pick<SandboxLimits, 'memoryBytes' | 'cpus'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const diskBytes = 2 * 1024 * 1024 * 1024;
const processesMax = 4_096;

const specOf = (
  deps: OpenSessionDeps,
  sandboxClass: SandboxClass,
  language: Language,
  mounts: readonly Mount[],
): SandboxSpec => {
  const { run } = sandboxClass.build;
  return {
    id: `run-${deps.random.uuid().slice(0, 18)}`,
    command: language.command,
    environment: language.environment,
    workingFolder: algorithmFolder,
    mounts: [...mounts, ...language.mounts],
    limits: {
      memoryBytes: Math.min(run.memoryBytes, deps.limitsMax.memoryBytes),
      cpus: Math.min(run.cpus, deps.limitsMax.cpus),
      processes: Math.min(run.processes, processesMax),
      diskBytes,
    },
    network: sandboxClass.network,
    resultChannel: true,
    endpoint: null,
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

/** Starts sandboxes: layers mounted read-only, the language's runner as the command, limits within the pool's. */
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

  return async (sandboxClass) => {
    const { clock, driver, logger } = deps;
    const begunMs = clock.monotonicMs();
    let release = (): void => {};
    try {
      const language = languageOf(deps, sandboxClass.language);
      const layers = await holdLayers(sandboxClass, language);
      release = layers.release;
      const spec = specOf(deps, sandboxClass, language, layers.mounts);
      const loadTimeoutMs = sandboxClass.build.run.loadTimeoutS * 1_000;
      const runner = await startRunner({ driver, spec, loadTimeoutMs, clock, logger });
      const tookMs = Math.round(clock.monotonicMs() - begunMs);
      logger.debug({ event: 'sandbox.prepared', class: sandboxClass.key, sandbox: spec.id, tookMs });
      return { kind: 'open', session: createRunnerSession(runner, clock, release) };
    } catch (error) {
      release();
      return { kind: 'failed', failure: failureOf(asPlatformError(error)) };
    }
  };
};
