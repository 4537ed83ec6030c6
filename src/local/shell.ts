import { constants } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import type { SandboxClass } from '../executors/call.ts';
import type { DirectExecutor } from '../executors/direct.ts';
import { inputFrame, sizeFrame } from './input-frame.ts';
import type { LocalShell, RunningShell, TerminalSize } from './local.ts';

const relayFile = 'terminal.py';
const relayTarget = '/opt/millrace/terminal/terminal.py';
const shell = '/bin/bash';
/** What runners add for the code that they load. */
const found = { HOME: '/home/algo', NODE_PATH: '/opt/millrace/clients/javascript' };

const exitCodeOf = (exit: { readonly code: number | null; readonly signal: string | null }): number => {
  if (exit.code !== null) return exit.code;
  const signal = Object.entries(constants.signals).find(([name]) => name === exit.signal);
  return 128 + (signal?.[1] ?? 0);
};

/**
 * Starts a program in the surroundings of a run. A sandbox has pipes; where a person sits at a terminal, a relay inside
 * gives the program one of its own, and what is typed and how large the window is travel to it in frames.
 */
export const startShell = async (
  executor: DirectExecutor,
  sandboxClass: SandboxClass,
  { terminal, command, runtimeFolder }: LocalShell & { readonly runtimeFolder: string },
): Promise<RunningShell> => {
  const words = command.length === 0 ? [shell] : command;
  const relay = { source: join(runtimeFolder, 'terminal', relayFile), target: relayTarget };
  const sandbox = await executor.startProgram(sandboxClass, {
    command: terminal === null ? words : ['/usr/bin/python3', relayTarget, ...words],
    variables: { ...found, ...(terminal === null ? {} : { TERM: 'xterm-256color' }) },
    mounts: terminal === null ? [] : [relay],
  });
  const running = {
    stdout: sandbox.stdout,
    stderr: sandbox.stderr,
    exited: sandbox.exited.then(exitCodeOf),
    stop: async (): Promise<void> => {
      await sandbox.stop(0);
    },
  };
  if (terminal === null) return { ...running, stdin: sandbox.stdin, resize: () => {} };
  const resize = (size: TerminalSize): void => {
    sandbox.stdin.write(sizeFrame(size));
  };
  resize(terminal);
  const stdin = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      done(null, inputFrame(chunk));
    },
  });
  stdin.pipe(sandbox.stdin);
  return { ...running, stdin, resize };
};
