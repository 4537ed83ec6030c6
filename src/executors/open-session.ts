import { asPlatformError, type PlatformError } from '../kernel/errors.ts';
import type { Artefacts } from './artefacts.ts';
import { executorErrors } from './errors.ts';
import { holdLayers } from './hold-layers.ts';
import type { Language } from './languages.ts';
import { type OpenRunnerDeps, openRunner } from './open-runner.ts';
import type { ClassKey } from './pool/class-key.ts';
import { initializationError, systemError } from './run-error.ts';
import { createRunnerSession } from './runner-session.ts';
import type { OpenFailure, OpenSession } from './session.ts';

export interface OpenSessionDeps extends OpenRunnerDeps {
  readonly artefacts: Artefacts;
  readonly languages: ReadonlyMap<string, Language>;
}

const forklessMax = 1_000;

const failureOf = (error: PlatformError): OpenFailure => {
  // Its message holds the log of the load.
  if (error.code === 'SANDBOX_LOAD_FAILED') return { kind: 'load', error: initializationError(error.message) };
  return { kind: 'platform', error: systemError(`No sandbox could be prepared: ${error.message}`) };
};

const languageOf = ({ languages }: OpenSessionDeps, name: string): Language => {
  const language = languages.get(name);
  if (language !== undefined) return language;
  const known = [...languages.keys()].join(', ');
  throw executorErrors.RUNNER_MISSING({
    message: `This machine has nothing that runs the environment "${name}", only ${known}.`,
  });
};

/** The classes of which it was seen lately that their calls cannot be forked. Forgetting one costs a slower start. */
class RecentKeys {
  readonly #keys = new Set<ClassKey>();

  has(key: ClassKey): boolean {
    return this.#keys.has(key);
  }

  add(key: ClassKey): void {
    if (this.#keys.size >= forklessMax) this.#keys.clear();
    this.#keys.add(key);
  }
}

/** Opens sessions: holds the layers as long as the sandbox lives, and has the stock refilled after each. */
export const createOpenSession = (deps: OpenSessionDeps): OpenSession => {
  const forkless = new RecentKeys();
  return async (sandboxClass) => {
    const { build, key } = sandboxClass;
    const { artefacts, clock, logger, stock } = deps;
    const begunMs = clock.monotonicMs();
    let release = (): void => {};
    try {
      const language = languageOf(deps, sandboxClass.language);
      await language.prepare();
      const layers = await holdLayers(artefacts, sandboxClass, language);
      release = () => layers.release();
      const { runner, endpoint } = await openRunner(deps, {
        sandboxClass,
        language,
        layers: layers.mounts,
        systemLayer: layers.systemLayer,
        forkless: forkless.has(key),
      });
      const singleUse = build.run.isolation === 'call' && !runner.forks;
      if (singleUse) forkless.add(key);
      const tookMs = Math.round(clock.monotonicMs() - begunMs);
      logger.debug({ event: 'sandbox.prepared', class: sandboxClass.key, sandbox: runner.id, tookMs });
      const onGone = (): void => {
        layers.release();
        void endpoint.close();
      };
      return { kind: 'open', session: createRunnerSession({ runner, endpoint, clock, singleUse, onGone }) };
    } catch (error) {
      release();
      return { kind: 'failed', failure: failureOf(asPlatformError(error)) };
    } finally {
      stock.refill();
    }
  };
};
