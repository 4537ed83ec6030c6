import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { PlatformError } from '../../kernel/errors.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import type { Mount } from '../../sandboxes/sandbox.ts';
import type { BuildPlan, Workspace } from '../builder.ts';
import { type BuildSandboxes, runInSandbox } from '../run-in-sandbox.ts';
import type { MountedLayer } from './locked-layer.ts';

const appTarget = '/opt/algorithm';

/** What builds, tests and runs of an algorithm see beside its folder. */
export interface BuildLayers {
  readonly system: MountedLayer | null;
  readonly dependencies: MountedLayer | null;
}

interface Work {
  readonly workspace: Workspace;
  readonly plan: BuildPlan;
  readonly layers: BuildLayers;
}

/** The algorithm's folder and, over or beside it, its dependencies. */
const mountsOf = async (
  workspace: Workspace,
  layer: MountedLayer | null,
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
export const runBuildCommands = async (sandboxes: BuildSandboxes, { workspace, plan, layers }: Work): Promise<void> => {
  const mounts = await mountsOf(workspace, layers.dependencies, true);
  const systemLayer = layers.system?.folder ?? null;
  for (const command of plan.commands) {
    workspace.log.write('platform', `build: ${command}\n`);
    await runInSandbox(sandboxes, workspace, {
      step: 'build',
      command,
      mounts,
      workingFolder: appTarget,
      network: 'outside',
      systemLayer,
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
    systemLayer,
  });
};

/** How the algorithm's own tests went. */
export interface TestReport {
  readonly passed: boolean;
  readonly summary: string;
  /** The last lines that they printed. */
  readonly tail: string;
}

const lastLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-1)[0] ?? '';

const reportOf = (failure: PlatformError): TestReport => {
  if (failure.code !== 'BUILDER_STEP_FAILED') throw failure;
  const { tail } = failure.details;
  return { passed: false, summary: failure.message, tail: typeof tail === 'string' ? tail : '' };
};

/** Runs the algorithm's tests on what was built, which they see read-only and without network. Reported: whether it is a gate is for the caller. */
export const runTests = async (
  sandboxes: BuildSandboxes,
  { workspace, plan, layers }: Work,
): Promise<TestReport | null> => {
  if (plan.test === null) return null;
  workspace.log.write('platform', `test: ${plan.test}\n`);
  const mounts = await mountsOf(workspace, layers.dependencies, false);
  try {
    await runInSandbox(sandboxes, workspace, {
      step: 'test',
      command: plan.test,
      mounts,
      workingFolder: appTarget,
      network: 'none',
      systemLayer: layers.system?.folder ?? null,
    });
    const tail = workspace.log.tail(20);
    return { passed: true, summary: lastLine(tail), tail };
  } catch (error) {
    const report = reportOf(asPlatformError(error));
    workspace.log.write(
      'platform',
      `test: failed${plan.testGate ? '' : ' (reported; the build goes on)'}: ${report.summary}\n`,
    );
    return report;
  }
};
