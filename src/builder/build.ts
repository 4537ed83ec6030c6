import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asPlatformError } from '../kernel/errors.ts';
import type { Blobs } from '../platform/blobs/blobs.ts';
import type { LayerStore } from '../platform/blobs/layer-store.ts';
import type { BuildEnd, BuildPlan, Workspace } from './builder.ts';
import { type BuildLock, lockedSystem, lockFileName, parseLock } from './core/lock.ts';
import { planOf } from './core/plan.ts';
import { builderErrors } from './errors.ts';
import type { BuildSandboxes } from './run-in-sandbox.ts';
import { resolveDependencies } from './steps/resolve-dependencies.ts';
import { resolvePackages } from './steps/resolve-packages.ts';
import { type BuildLayers, runBuildCommands, runTests, type TestReport } from './steps/run-commands.ts';

export interface BuildDeps {
  readonly sandboxes: BuildSandboxes;
  readonly layers: LayerStore;
  /** Keeps what was resolved: between builds, and with each build. */
  readonly blobs: Blobs;
  /** `skip`: a build without the algorithm's own tests, which never change what is built. Default: `run`. */
  readonly tests?: 'run' | 'skip';
}

type Succeeded = Omit<BuildEnd, 'log'>;

const readOptional = async (file: string): Promise<string | null> => await readFile(file, 'utf8').catch(() => null);

const readPlan = async ({ appFolder }: Workspace): Promise<BuildPlan> =>
  planOf(await readOptional(join(appFolder, 'millrace.yaml')));

const readLock = async ({ appFolder, environment }: Workspace): Promise<BuildLock | null> => {
  const text = await readOptional(join(appFolder, lockFileName));
  return text === null ? null : parseLock(text, environment.id);
};

interface Resolved {
  readonly layers: BuildLayers;
  readonly lock: BuildLock;
}

/** System packages first: some dependencies are compiled against them. */
const resolveLayers = async (deps: BuildDeps, workspace: Workspace, plan: BuildPlan): Promise<Resolved> => {
  const lock = await readLock(workspace);
  const { packages } = plan;
  const system = await resolvePackages(deps, workspace, { packages, given: lockedSystem(lock, packages) });
  const dependencies = await resolveDependencies(deps, workspace, { system: system?.layer ?? null, lock });
  return {
    layers: { system: system?.layer ?? null, dependencies: dependencies?.layer ?? null },
    lock: {
      lockVersion: 1,
      environment: workspace.environment.id,
      system: system?.lock ?? null,
      dependencies: dependencies?.lock ?? null,
    },
  };
};

const keepLock = async ({ blobs }: BuildDeps, { order }: Workspace, lock: BuildLock): Promise<string> => {
  const key = `builds/${order.algorithmId}/${order.hash}.lock.json`;
  await blobs.put(key, Buffer.from(`${JSON.stringify(lock, null, 2)}\n`));
  return key;
};

const packApp = async (deps: BuildDeps, workspace: Workspace, { system, dependencies }: BuildLayers) => {
  const app = await deps.layers.add(workspace.appFolder);
  return {
    app: app.digest,
    dependencies: dependencies?.digest ?? null,
    system: system?.digest ?? null,
    sizeBytes: app.sizeBytes + (dependencies?.sizeBytes ?? 0) + (system?.sizeBytes ?? 0),
  };
};

/** Throws `BUILDER_STEP_FAILED` when the algorithm wants its tests to pass and they do not. */
const checkGate = ({ testGate }: BuildPlan, tests: TestReport | null): void => {
  if (!testGate || tests === null || tests.passed) return;
  const message = `${tests.summary}; millrace.yaml says test_gate, so nothing was built`;
  throw builderErrors.STEP_FAILED({ message, details: { step: 'test', tail: tests.tail } });
};

/** The story of a build: plan, packages, dependencies, commands, tests, layers. Throws a PlatformError with the step. */
const runSteps = async (deps: BuildDeps, workspace: Workspace): Promise<Succeeded> => {
  const plan = await readPlan(workspace);
  const { layers, lock } = await resolveLayers(deps, workspace, plan);
  await runBuildCommands(deps.sandboxes, { workspace, plan, layers });
  const report = deps.tests === 'skip' ? null : await runTests(deps.sandboxes, { workspace, plan, layers });
  checkGate(plan, report);
  const artefact = await packApp(deps, workspace, layers);
  const tests = report === null ? null : { passed: report.passed, summary: report.summary };
  return {
    status: 'succeeded',
    artefact,
    run: plan.run,
    tests,
    error: null,
    lock: await keepLock(deps, workspace, lock),
  };
};

/**
 * Runs the algorithm's own tests on a build, whose app layer is the workspace's folder: those of its manifest, else those
 * that are usual in its environment. Null when there are none.
 */
export const testBuild = async (
  deps: Pick<BuildDeps, 'layers' | 'sandboxes'>,
  workspace: Workspace,
  artefact: NonNullable<BuildEnd['artefact']>,
): Promise<TestReport | null> => {
  const plan = await readPlan(workspace);
  const mounted = async (digest: string | null | undefined) =>
    digest == null ? null : { digest, sizeBytes: 0, folder: await deps.layers.folderOf(digest) };
  return await runTests(deps.sandboxes, {
    workspace,
    // Here they are what is asked for, so that nothing goes on when they fail.
    plan: { ...plan, test: plan.test ?? workspace.environment.test, testGate: true },
    layers: { system: await mounted(artefact.system), dependencies: await mounted(artefact.dependencies) },
  });
};

const tailOf = (details: Readonly<Record<string, unknown>>): string => {
  const { tail } = details;
  return typeof tail === 'string' && tail !== '' ? `\nThe log ends with:\n${tail}` : '';
};

const failed = (error: unknown): Succeeded => {
  const { message, code, details } = asPlatformError(error);
  const step =
    typeof details['step'] === 'string' ? details['step'] : code === 'BUILDER_PLAN_INVALID' ? 'plan' : 'platform';
  const told = `${message}${tailOf(details)}`;
  return { status: 'failed', artefact: null, run: null, tests: null, error: { step, message: told }, lock: null };
};

/** The first line: the log above it needs no copy of its own end. */
const lastWord = ({ error }: Succeeded): string =>
  error === null ? 'build: succeeded\n' : `build: failed in ${error.step}: ${error.message.split('\n')[0] ?? ''}\n`;

/** Builds the workspace's commit and tells how it ended. Never throws for what the algorithm did; its log says it all. */
export const runBuild = async (deps: BuildDeps, workspace: Workspace): Promise<BuildEnd> => {
  const { log, order } = workspace;
  log.write('platform', `Beginning container customization of ${order.owner}/${order.name} at ${order.hash}\n`);
  const end = await runSteps(deps, workspace).catch(failed);
  log.write('platform', lastWord(end));
  return { ...end, log: await log.end() };
};
