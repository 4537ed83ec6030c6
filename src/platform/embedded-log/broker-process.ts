import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import type { BrokerFiles } from './broker-files.ts';
import { embeddedLogErrors } from './errors.ts';

/** How a broker ended. */
export interface BrokerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running Java process of the broker. */
export interface BrokerProcess {
  readonly pid: number;
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<BrokerExit>;
  /** True from its end on. */
  hasExited(): boolean;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'];

/** With setpriv the broker dies with its supervisor; without (it is in util-linux) the next start ends the orphan. */
const commandLine = (argumentFile: string): readonly [string, readonly string[]] => {
  const java = ['java', `@${argumentFile}`];
  const wrapper = setpriv.find((file) => existsSync(file));
  return wrapper === undefined ? ['java', java.slice(1)] : [wrapper, ['--pdeathsig', 'KILL', '--', ...java]];
};

const spawned = async (child: ChildProcess): Promise<number> =>
  await new Promise((resolve, reject) => {
    child.once('spawn', () => {
      resolve(child.pid ?? 0);
    });
    child.once('error', (cause) => {
      const message = `Java could not be started (${cause.message}). Install Java 17 or later, for example by \`node bin/setup.mjs\`.`;
      reject(embeddedLogErrors.NOT_INSTALLED({ message, cause }));
    });
  });

/**
 * Starts the broker of prepared files (`broker.args`).
 * @throws `EMBEDDED_LOG_NOT_INSTALLED` when there is no Java.
 */
export const startBrokerProcess = async (files: BrokerFiles): Promise<BrokerProcess> => {
  const output = openSync(files.output, 'w');
  const [command, argv] = commandLine(files.arguments);
  // A session of its own: Ctrl-C must reach the platform only, which needs the log until it has drained.
  const child = spawn(command, argv, { stdio: ['ignore', output, output], detached: true });
  closeSync(output);
  let ended = false;
  const exited = new Promise<BrokerExit>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = true;
      resolve({ code, signal });
    });
  });
  const pid = await spawned(child);
  return {
    pid,
    exited,
    hasExited: () => ended,
    kill: (signal) => {
      child.kill(signal);
    },
  };
};
