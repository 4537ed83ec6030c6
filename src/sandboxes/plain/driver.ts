import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { sandboxErrors } from '../errors.ts';
import { findProgram } from '../process/find-program.ts';
import { keepSandboxes } from '../process/kept-sandboxes.ts';
import { createPipeStock, type PipeStock } from '../process/pipe-stock.ts';
import { childEnd, createProcessSandbox } from '../process/process-sandbox.ts';
import { openResultChannel } from '../process/result-channel.ts';
import type { Enforcement, Sandbox, SandboxDriver, SandboxSpec } from '../sandbox.ts';
import { translateSpec } from './translate.ts';

export interface PlainDeps {
  readonly runFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const markName = 'MILLRACE_SANDBOX_FOLDER';
const why = 'plain processes on this host, asked for with MILLRACE_SANDBOX=plain';
const enforcement: readonly Enforcement[] = (
  ['filesystem', 'network', 'memory', 'cpu', 'processes', 'disk', 'file-size', 'gpu', 'user'] as const
).map((what) => ({ what, enforced: false, how: why }));

interface PlainChild {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

const launch = async (spec: SandboxSpec, folder: string, pipe: string | null): Promise<PlainChild> => {
  const { command, environment, workingFolder } = translateSpec(spec);
  const setpriv = findProgram('setpriv');
  const [file = '', ...rest] = [...(setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL', '--']), ...command];
  const child = spawn(file, rest, {
    cwd: existsSync(workingFolder) ? workingFolder : folder,
    // Names for what is mounted at fixed places in a real sandbox.
    env: {
      ...environment,
      HOME: folder,
      TMPDIR: folder,
      [markName]: folder,
      ...(pipe === null ? {} : { MILLRACE_RESULT_PIPE: pipe }),
      ...(spec.endpoint === null ? {} : { MILLRACE_ENDPOINT: spec.endpoint }),
    },
    // A process group of its own, so that its children end with it.
    detached: true,
    stdio: 'pipe',
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      reject(sandboxErrors.START_FAILED({ message: `${file} did not start: ${error.message}`, cause: error }));
    });
  });
  return { child, stdin: child.stdin, stdout: child.stdout, stderr: child.stderr };
};

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it is gone
  }
};

const bearsMark = (pid: string, mark: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
  } catch {
    return false;
  }
};

/** Kills the process group, and who left it for a session of its own: they still carry the environment. */
const killAll = (child: ChildProcess, folder: string): void => {
  if (child.pid !== undefined) kill(-child.pid);
  const left = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && bearsMark(name, `${markName}=${folder}\0`));
  for (const pid of left) kill(Number(pid));
};

const notAdoptable = (id: string) =>
  sandboxErrors.START_FAILED({ message: `Sandbox ${id} is a plain process, in which nothing can be mounted.` });

const noSystemLayer = (id: string) =>
  sandboxErrors.START_FAILED({
    message: `Sandbox ${id} is a plain process, which sees the host's packages only: install there what the algorithm names in "packages".`,
  });

const start = async (deps: PlainDeps, pipes: PipeStock, spec: SandboxSpec): Promise<Sandbox> => {
  const folder = join(deps.runFolder, 'sandboxes', spec.id);
  if (spec.adoptable !== undefined) throw notAdoptable(spec.id);
  if (spec.systemLayer !== undefined && spec.systemLayer !== null) throw noSystemLayer(spec.id);
  if (existsSync(folder)) throw sandboxErrors.START_FAILED({ message: `A sandbox called ${spec.id} runs already.` });
  await mkdir(folder, { recursive: true });
  const pipe = spec.resultChannel ? join(folder, 'algoout') : null;
  if (pipe !== null) await pipes.take(pipe);
  const results = pipe === null ? null : openResultChannel(pipe);
  try {
    const launched = await launch(spec, folder, pipe);
    return createProcessSandbox({
      ...launched,
      ended: childEnd(launched.child),
      id: spec.id,
      results,
      clock: deps.clock,
      adopt: async () => await Promise.reject(notAdoptable(spec.id)),
      usage: () => ({ cpuS: null, memoryBytes: null, memoryPeakBytes: null }),
      kill: () => {
        killAll(launched.child, folder);
      },
      finish: async () => {
        killAll(launched.child, folder);
        await rm(folder, { recursive: true, force: true });
        return { outOfMemory: false };
      },
    });
  } catch (error) {
    results?.destroy();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

/** Makes the driver that isolates nothing; see `createSandboxDriver`. */
export const createPlainDriver = async (deps: PlainDeps): Promise<SandboxDriver> => {
  await rm(join(deps.runFolder, 'sandboxes'), { recursive: true, force: true });
  await mkdir(deps.runFolder, { recursive: true });
  deps.logger.warn({ event: 'sandbox.not-enforced', what: 'anything', how: why });
  const pipes = createPipeStock(join(deps.runFolder, 'pipes'), null);
  const kept = keepSandboxes(async (spec) => await start(deps, pipes, spec));
  return {
    name: 'plain',
    enforcement,
    adopts: false,
    start: async (spec) => await kept.start(spec),
    close: async () => {
      await kept.stop();
      await rm(deps.runFolder, { recursive: true, force: true });
    },
  };
};
