import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Runs a program to its end and returns what it printed; throws with its complaints when it fails. */
export const runProgram = async (program: string, args: readonly string[], input = ''): Promise<string> => {
  const child = spawn(program, args, { stdio: 'pipe' });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  child.stdin.end(input);
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${(stderr + stdout).slice(-2000)}`);
  return stdout;
};
