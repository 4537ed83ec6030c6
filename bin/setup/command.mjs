import { spawn } from 'node:child_process';
import { places } from './places.mjs';
import { SetupProblem } from './problem.mjs';

/**
 * Runs a program to its end and gives what it printed.
 * @param {string} command
 * @param {string[]} words
 * @param {{ onLine?: (line: string) => void, env?: Record<string, string> }} [options] `onLine` gets every line as it comes
 * @returns {Promise<{ ok: boolean, text: string }>} `ok` is false also when there is no such program
 */
export const run = (command, words, { onLine = () => {}, env = {} } = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, words, {
      cwd: places.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let text = '';
    const take = (chunk) => {
      text += chunk;
      const line = chunk.toString().trimEnd().split('\n').pop();
      if (line) onLine(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => resolve({ ok: false, text: `${text}${error.message}` }));
    child.once('close', (code) => resolve({ ok: code === 0, text }));
  });

const lastLines = (text, count) =>
  text
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => `    ${line}`)
    .join('\n');

/** As {@link run}, but a failure ends the set-up with the command and the end of what it printed. */
export const mustRun = async (command, words, options) => {
  const { ok, text } = await run(command, words, options);
  if (!ok) throw new SetupProblem(`This failed: ${[command, ...words].join(' ')}\n${lastLines(text, 12)}`);
  return text;
};
