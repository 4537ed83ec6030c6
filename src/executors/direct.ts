import { mkdir, rm } from 'node:fs/promises';
import type { Clock } from '../kernel/clock.ts';
import type { RunError } from '../kernel/contracts/contracts.gen.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import type { LayerStore } from '../platform/blobs/layer-store.ts';
import type { Interpreters } from '../sandboxes/interpreters.ts';
import type { Sandbox, SandboxDriver } from '../sandboxes/sandbox.ts';
import { createArtefacts } from './artefacts.ts';
import type { SandboxClass } from './call.ts';
import { createKeyForwarder, type PlatformAccess } from './chaining/forward-with-key.ts';
import type { ExecutorsConfig } from './config.ts';
import { createDirectSession, type DirectSession } from './direct-session.ts';
import { makeSocketFolder } from './endpoint/socket-folder.ts';
import { executorErrors } from './errors.ts';
import { holdLayers } from './hold-layers.ts';
import { createLanguages } from './languages.ts';
import { surroundingsOf } from './open-runner.ts';
import { createOpenSession } from './open-session.ts';
import { limitsMaxOf } from './sandbox-limits.ts';
import { noStock } from './stock/stock.ts';

/**
 * Runs builds without a log, without a pool: the sandboxes, runners, limits and results are those of an executor, the
 * calls come from whoever holds the session. For runs on the machine of who writes an algorithm.
 */
export interface DirectExecutor {
  /** Starts a sandbox of the class and loads the algorithm. What keeps it from that is a value: its author's to read. */
  open(sandboxClass: SandboxClass): Promise<DirectOpenEnd>;
  /**
   * Starts another program in the surroundings of a run: same mounts, environment, limits and network, but no channel
   * for answers. `mounts` come on top. Throws `SANDBOX_START_FAILED`.
   */
  startProgram(sandboxClass: SandboxClass, program: DirectProgram): Promise<Sandbox>;
  /** Removes what it made beside its sandboxes; those end with their sessions, or with the driver. */
  close(): Promise<void>;
}

export type DirectOpenEnd =
  | { readonly kind: 'open'; readonly session: DirectSession }
  | { readonly kind: 'failed'; readonly error: RunError };

export interface DirectProgram {
  readonly command: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
}

export interface DirectExecutorDeps {
  readonly driver: SandboxDriver;
  readonly layers: LayerStore;
  /** Where `layers` unpacks. */
  readonly layersFolder: string;
  readonly dataFolder: string;
  readonly runtimeFolder: string;
  readonly interpreters: Interpreters;
  readonly config: ExecutorsConfig;
  /** Where calls of other algorithms go; null: they are refused. */
  readonly platform: PlatformAccess | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Makes it ready for `open`. */
export const createDirectExecutor = async (deps: DirectExecutorDeps): Promise<DirectExecutor> => {
  const { config, driver, random } = deps;
  const limitsMax = limitsMaxOf(config);
  const languages = createLanguages({ ...deps, nodeBinary: process.execPath });
  const maxBytes = config.MILLRACE_ARTEFACTS_MB * 1024 * 1024;
  const artefacts = await createArtefacts({ ...deps, folder: deps.layersFolder, maxBytes });
  await mkdir(deps.dataFolder, { recursive: true });
  const socketFolder = await makeSocketFolder(deps.dataFolder, random.uuid().slice(0, 8));
  const open = createOpenSession({ ...deps, artefacts, languages, limitsMax, socketFolder, stock: noStock });

  const forwarder = createKeyForwarder(deps.platform);

  return {
    open: async (sandboxClass) => {
      const end = await open(sandboxClass);
      if (end.kind === 'failed') return { kind: 'failed', error: end.failure.error };
      return { kind: 'open', session: createDirectSession({ ...deps, sandboxClass, open, forwarder }, end.session) };
    },
    startProgram: async (sandboxClass, { command, variables, mounts }) => {
      const language = languages.get(sandboxClass.language);
      if (language === undefined) {
        throw executorErrors.RUNNER_MISSING({
          message: `There is no runner for the language "${sandboxClass.language}".`,
        });
      }
      await language.prepare();
      const layers = await holdLayers(artefacts, sandboxClass, language);
      const surroundings = surroundingsOf(
        { sandboxClass, language, layers: layers.mounts, systemLayer: layers.systemLayer },
        limitsMax,
      );
      try {
        const sandbox = await driver.start({
          ...surroundings,
          id: `run-${random.uuid().slice(0, 18)}`,
          command,
          environment: { ...surroundings.environment, ...variables },
          mounts: [...surroundings.mounts, ...mounts.map((mount) => ({ ...mount, writable: false }))],
          resultChannel: false,
          endpoint: null,
        });
        void sandbox.exited.then(() => layers.release());
        return sandbox;
      } catch (error) {
        layers.release();
        throw error;
      }
    },
    close: async () => {
      await rm(socketFolder, { recursive: true, force: true });
    },
  };
};
