import { mkdir } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Clock } from '../kernel/clock.ts';
import type { LogStream } from '../kernel/contracts/contracts.gen.ts';
import type { Random } from '../kernel/random.ts';
import type { Mount, SandboxDriver, SandboxExit } from '../sandboxes/sandbox.ts';
import type { Workspace } from './builder.ts';
import { builderErrors } from './errors.ts';

/** What build sandboxes are made of; the same for every step. */
export interface BuildSandboxes {
  readonly driver: SandboxDriver;
  readonly clock: Clock;
  readonly random: Random;
  /** Node, npm, clients for code inside, settings of the machine's package clients. */
  readonly tools: readonly Mount[];
  readonly variables: Readonly<Record<string, string>>;
  readonly memoryBytes: number;
  readonly timeoutMs: number;
  /** Where packages of the system come from: seen by the step that resolves them and by no other. */
  readonly packageSources?: readonly Mount[];
}

/** One command of a build. */
export interface SandboxedCommand {
  /** Names the step in errors: `packages`, `dependencies`, `build`, `test`. */
  readonly step: string;
  readonly command: string;
  readonly mounts: readonly Mount[];
  readonly workingFolder: string;
  readonly network: 'none' | 'outside';
  /** Folder with the algorithm's system packages; null: it has none. */
  readonly systemLayer: string | null;
  readonly variables?: Readonly<Record<string, string>>;
}

const gibibyte = 2 ** 30;

const variablesOf = (deps: BuildSandboxes, { environment }: Workspace, run: SandboxedCommand) => {
  const variables: Record<string, string> = { ...deps.variables, ...environment.variables, ...run.variables };
  const bin = environment.installation?.binFolder ?? null;
  return bin === null ? variables : { ...variables, PATH: `${bin}:${variables['PATH'] ?? ''}` };
};

const copyLines = (stream: Readable, name: LogStream, workspace: Workspace, seen?: (text: string) => void): void => {
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    workspace.log.write(name, text);
    seen?.(text);
  });
};

const describeExit = (exit: SandboxExit, timedOutMs: number | null): string => {
  if (timedOutMs !== null) return `took longer than ${timedOutMs / 1000} s and was stopped`;
  if (exit.outOfMemory) return 'ran out of memory';
  return exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `exited with code ${exit.code}`;
};

/**
 * Runs a shell command in a sandbox of its own, its output into the build's log. Gives what it wrote to standard
 * output. Throws `BUILDER_STEP_FAILED` (step, command, how it ended, the last lines) unless it exits with 0.
 */
export const runInSandbox = async (
  deps: BuildSandboxes,
  workspace: Workspace,
  run: SandboxedCommand,
): Promise<string> => {
  const { driver, clock, random, timeoutMs } = deps;
  const { installation } = workspace.environment;
  await installation?.prepare();
  await Promise.all(
    run.mounts.filter((mount) => mount.writable).map(async (mount) => await mkdir(mount.source, { recursive: true })),
  );
  const sandbox = await driver.start({
    id: `build-${random.uuid().slice(0, 13)}`,
    command: ['/bin/sh', '-c', run.command],
    environment: variablesOf(deps, workspace, run),
    workingFolder: run.workingFolder,
    mounts: [...deps.tools, ...(installation?.mounts ?? []), ...run.mounts],
    limits: {
      memoryBytes: deps.memoryBytes,
      cpus: 64,
      processes: 2048,
      diskBytes: 4 * gibibyte,
      fileBytes: 16 * gibibyte,
      gpus: 0,
    },
    network: run.network,
    systemLayer: run.systemLayer,
    resultChannel: false,
    endpoint: null,
  });
  let timedOutMs: number | null = null;
  const cancel = clock.after(timeoutMs, () => {
    timedOutMs = timeoutMs;
    void sandbox.stop(0);
  });
  let output = '';
  copyLines(sandbox.stdout, 'stdout', workspace, (text) => {
    if (output.length < 65_536) output += text;
  });
  copyLines(sandbox.stderr, 'stderr', workspace);
  sandbox.stdin.end();
  const exit = await sandbox.exited;
  cancel();
  if (exit.code === 0) return output;
  throw builderErrors.STEP_FAILED({
    message: `${run.step}: \`${run.command}\` ${describeExit(exit, timedOutMs)}`,
    details: { step: run.step, tail: workspace.log.tail(20) },
  });
};
