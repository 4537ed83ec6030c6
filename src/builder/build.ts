import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asPlatformError } from '../kernel/errors.ts';
import type { LayerStore } from '../platform/blobs/layer-store.ts';
import type { BuildEnd, BuildPlan, Workspace } from './builder.ts';
import { planOf } from './core/plan.ts';
import type { BuildSandboxes } from './run-in-sandbox.ts';
import { type DependencyLayer, resolveDependencies } from './steps/resolve-dependencies.ts';
import { runBuildCommands, runTests, type TestReport } from './steps/run-commands.ts';

export interface BuildDeps {
  readonly sandboxes: BuildSandboxes;
  readonly layers: LayerStore;
  /** `skip`: a build without the algorithm's own tests, which never change what is built. Default: `run`. */
  readonly tests?: 'run' | 'skip';
}

type Succeeded = Omit<BuildEnd, 'log'>;

const readPlan = async ({ appFolder }: Workspace): Promise<BuildPlan> =>
  planOf(await readFile(join(appFolder, 'millrace.yaml'), 'utf8').catch(() => null));

const packApp = async (deps: BuildDeps, workspace: Workspace, dependencies: DependencyLayer | null) => {
  const app = await deps.layers.add(workspace.appFolder);
  return {
    app: app.digest,
    dependencies: dependencies?.digest ?? null,
    sizeBytes: app.sizeBytes + (dependencies?.sizeBytes ?? 0),
  };
};

/** The story of a build: plan, dependencies, commands, tests, layers. Throws a PlatformError with the failing step. */
const runSteps = async (deps: BuildDeps, workspace: Workspace): Promise<Succeeded> => {
  const plan = await readPlan(workspace);
  const layer = await resolveDependencies(deps, workspace);
  await runBuildCommands(deps.sandboxes, { workspace, plan, layer });
  const tests = deps.tests === 'skip' ? null : await runTests(deps.sandboxes, { workspace, plan, layer });
  const artefact = await packApp(deps, workspace, layer);
  return { status: 'succeeded', artefact, run: plan.run, tests, error: null };
};

/**
 * Runs the algorithm's own tests on a build, whose app layer is the workspace's folder: those of its manifest, else those
 * that are usual in its environment. Null when there are none.
 */
export const testBuild = async (
  deps: BuildDeps,
  workspace: Workspace,
  artefact: NonNullable<BuildEnd['artefact']>,
): Promise<TestReport | null> => {
  const plan = await readPlan(workspace);
  const digest = artefact.dependencies;
  const layer = digest === null ? null : { digest, sizeBytes: 0, folder: await deps.layers.folderOf(digest) };
  return await runTests(deps.sandboxes, {
    workspace,
    plan: { ...plan, test: plan.test ?? workspace.environment.test },
    layer,
  });
};

const failed = (error: unknown): Succeeded => {
  const { message, code, details } = asPlatformError(error);
  const step =
    typeof details['step'] === 'string' ? details['step'] : code === 'BUILDER_PLAN_INVALID' ? 'plan' : 'platform';
  return { status: 'failed', artefact: null, run: null, tests: null, error: { step, message } };
};

/** Builds the workspace's commit and tells how it ended. Never throws for what the algorithm did; its log says it all. */
export const runBuild = async (deps: BuildDeps, workspace: Workspace): Promise<BuildEnd> => {
  const { log, order } = workspace;
  log.write('platform', `Beginning container customization of ${order.owner}/${order.name} at ${order.hash}\n`);
  const end = await runSteps(deps, workspace).catch(failed);
  log.write(
    'platform',
    end.error === null ? 'build: succeeded\n' : `build: failed in ${end.error.step}: ${end.error.message}\n`,
  );
  return { ...end, log: await log.end() };
};
