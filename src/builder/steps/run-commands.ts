import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { PlatformError } from '../../kernel/errors.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import type { Mount } from '../../sandboxes/sandbox.ts';
import type { BuildPlan, Workspace } from '../builder.ts';
import { type BuildSandboxes, runInSandbox } from '../run-in-sandbox.ts';
import type { DependencyLayer } from './resolve-dependencies.ts';

const appTarget = '/opt/algorithm';

/** The algorithm's folder and, over or beside it, its dependencies. */
const mountsOf = async (
  workspace: Workspace,
  layer: DependencyLayer | null,
  writable: boolean,
): Promise<readonly Mount[]> => {
  const { appFolder, environment } = workspace;
  const app: Mount = { source: appFolder, target: appTarget, writable };
  if (layer === null) return [app];
  const inside = relative(appTarget, environment.dependencyTarget);
  // A layer that appears inside the folder needs a mount point there; runs need it too, so it stays in the app layer.
  if (!inside.startsWith('..')) await mkdir(join(appFolder, inside), { recursive: true });
  return [app, { source: layer.folder, target: environment.dependencyTarget, writable: false }];
};

/** Runs the algorithm's own build commands, then what the environment does at the end of every build. */
export const runBuildCommands = async (
  sandboxes: BuildSandboxes,
  work: { readonly workspace: Workspace; readonly plan: BuildPlan; readonly layer: DependencyLayer | null },
): Promise<void> => {
  const { workspace, plan, layer } = work;
  const mounts = await mountsOf(workspace, layer, true);
  for (const command of plan.commands) {
    workspace.log.write('platform', `build: ${command}\n`);
    await runInSandbox(sandboxes, workspace, {
      step: 'build',
      command,
      mounts,
      workingFolder: appTarget,
      network: 'outside',
    });
  }
  const { finish } = workspace.environment;
  if (finish === null) return;
  await runInSandbox(sandboxes, workspace, {
    step: 'build',
    command: finish,
    mounts,
    workingFolder: appTarget,
    network: 'none',
  });
};

/** How the algorithm's own tests went. */
export interface TestReport {
  readonly passed: boolean;
  readonly summary: string;
}

const lastLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-1)[0] ?? '';

const reportOf = (failure: PlatformError): TestReport => {
  if (failure.code !== 'BUILDER_STEP_FAILED') throw failure;
  return { passed: false, summary: failure.message };
};

/** Runs the algorithm's tests on what was built, which they see read-only and without network. Reported, not a gate. */
export const runTests = async (
  sandboxes: BuildSandboxes,
  work: { readonly workspace: Workspace; readonly plan: BuildPlan; readonly layer: DependencyLayer | null },
): Promise<TestReport | null> => {
  const { workspace, plan, layer } = work;
  if (plan.test === null) return null;
  workspace.log.write('platform', `test: ${plan.test}\n`);
  const mounts = await mountsOf(workspace, layer, false);
  try {
    await runInSandbox(sandboxes, workspace, {
      step: 'test',
      command: plan.test,
      mounts,
      workingFolder: appTarget,
      network: 'none',
    });
    return { passed: true, summary: lastLine(workspace.log.tail(5)) };
  } catch (error) {
    const report = reportOf(asPlatformError(error));
    workspace.log.write('platform', `test: failed (reported; the build goes on): ${report.summary}\n`);
    return report;
  }
};
