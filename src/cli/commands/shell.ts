import process from 'node:process';
import type { RunningShell } from '../../local/local.ts';
import type { Command } from '../command.ts';
import { endAs, withBuild } from '../local.ts';

const help = `Usage: millrace shell DIR [--network] [-- COMMAND…]

Builds the folder as a deploy would and opens a shell in the sandbox of its runs: the same files, read-only, the same
environment, user, limits and network. With a command that runs instead, and its exit code is given on. In pipes the
shell or command reads standard input and has no terminal.

  --network     let it reach other hosts, as an algorithm with network_access "full" may`;

const sizeOf = (terminal: NodeJS.WriteStream) => ({ columns: terminal.columns, rows: terminal.rows });

/** Joins the program's streams with ours; gives its exit code. */
const connect = async (shell: RunningShell, isTerminal: boolean): Promise<number> => {
  const { stdin, stdout, stderr } = process;
  const resized = (): void => shell.resize(sizeOf(stdout));
  if (isTerminal) {
    stdin.setRawMode(true);
    stdout.on('resize', resized);
  }
  shell.stdin.on('error', () => {
    // It ended without reading everything.
  });
  stdin.pipe(shell.stdin);
  shell.stdout.pipe(stdout, { end: false });
  shell.stderr.pipe(stderr, { end: false });
  try {
    return await shell.exited;
  } finally {
    stdin.unpipe(shell.stdin);
    stdin.pause();
    stdout.off('resize', resized);
    if (isTerminal) stdin.setRawMode(false);
  }
};

export const shellCommand: Command = {
  name: 'shell',
  summary: "open a shell, or run a command, in a folder's sandbox on this machine",
  help,
  options: { network: { type: 'boolean' } },
  run: async (invocation) => {
    const { words, options } = invocation;
    const [folder, ...command] = words;
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
    await withBuild(
      'shell',
      { ...invocation, words: folder === undefined ? [] : [folder] },
      async ({ local, build }) => {
        const shell = await local.startShell(build, {
          command,
          terminal: isTerminal ? sizeOf(process.stdout) : null,
          network: options['network'] === true,
        });
        endAs(await connect(shell, isTerminal));
      },
    );
  },
};
