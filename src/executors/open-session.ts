import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { asPlatformError, type PlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { startRunner } from '../sandboxes/runner.ts';
import type { Mount, SandboxDriver, SandboxLimits, SandboxSpec } from '../sandboxes/sandbox.ts';
import type { Artefacts, HeldLayer } from './artefacts.ts';
import type { SandboxClass } from './call.ts';
import { openEndpoint } from './endpoint/endpoint.ts';
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
  /** For the sandboxes' sockets: a short path. */
  readonly socketFolder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const diskBytes = 2 * 1024 * 1024 * 1024;
const processesMax = 4_096;

interface SpecParts {
  readonly id: string;
  readonly sandboxClass: SandboxClass;
  readonly language: Language;
  readonly layers: readonly Mount[];
  readonly endpoint: string;
}

const specOf = ({ limitsMax }: OpenSessionDeps, parts: SpecParts): SandboxSpec => {
  const { language, sandboxClass } = parts;
  const { run } = sandboxClass.build;
  return {
    id: parts.id,
    command: language.command,
    environment: language.environment,
    workingFolder: algorithmFolder,
    mounts: [...parts.layers, ...language.mounts],
    limits: {
      memoryBytes: Math.min(run.memoryBytes, limitsMax.memoryBytes),
      cpus: Math.min(run.cpus, limitsMax.cpus),
      processes: Math.min(run.processes, processesMax),
      diskBytes,
    },
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
    const { clock, driver, logger, random, socketFolder } = deps;
    const begunMs = clock.monotonicMs();
    const id = `run-${random.uuid().slice(0, 18)}`;
    const undo: (() => void)[] = [];
    const onGone = (): void => {
      for (const each of undo) each();
    };
    try {
      const language = languageOf(deps, sandboxClass.language);
      const layers = await holdLayers(sandboxClass, language);
      undo.push(layers.release);
      const endpoint = await openEndpoint(join(socketFolder, `${id}.sock`));
      undo.push(() => void endpoint.close());
      const spec = specOf(deps, { id, sandboxClass, language, layers: layers.mounts, endpoint: endpoint.path });
      const loadTimeoutMs = sandboxClass.build.run.loadTimeoutS * 1_000;
      const runner = await startRunner({ driver, spec, loadTimeoutMs, clock, logger });
      const tookMs = Math.round(clock.monotonicMs() - begunMs);
      logger.debug({ event: 'sandbox.prepared', class: sandboxClass.key, sandbox: id, tookMs });
      return { kind: 'open', session: createRunnerSession({ runner, endpoint, clock, onGone }) };
    } catch (error) {
      onGone();
      return { kind: 'failed', failure: failureOf(asPlatformError(error)) };
    }
  };
};
