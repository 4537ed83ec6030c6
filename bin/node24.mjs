import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { places } from './setup/places.mjs';

const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * Runs a program on the Node 24 of the lock file, in this terminal, and ends this process as that one ended.
 * @param {string[]} words arguments of Node: the file and its own arguments
 * @param {{ env?: Record<string, string> }} [options] added to this process's environment
 */
export const runOnNode24 = (words, { env = {} } = {}) => {
  // Tools that the program starts (and their `#!/usr/bin/env node`) find this Node first.
  const PATH = [places.binaries, process.env.PATH ?? ''].join(delimiter);
  const child = spawn(places.nodeBinary, words, { stdio: 'inherit', env: { ...process.env, PATH, ...env } });
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    process.stderr.write(`${places.nodeBinary} could not be started (${error.message}). Run: node bin/setup.mjs\n`);
    process.exitCode = 1;
  });
  child.once('exit', (code, signal) => {
    if (signal === null) {
      process.exit(code ?? 1);
    }
    for (const name of forwarded) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
};
