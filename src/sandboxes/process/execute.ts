import { execFile } from 'node:child_process';

export interface Execution {
  readonly code: number;
  readonly output: string;
}

/** Runs a short host command with an empty environment but `PATH`; never rejects: a missing program has code 127. */
export const execute = async (command: readonly string[], timeoutMs = 10_000): Promise<Execution> => {
  const [file = '', ...parameters] = command;
  return await new Promise((resolve) => {
    const options = { timeout: timeoutMs, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } };
    execFile(file, parameters, options, (error, stdout, stderr) => {
      const failed = error === null ? 0 : 127;
      const code = typeof error?.code === 'number' ? error.code : failed;
      resolve({ code, output: `${stdout}${stderr}`.trim() });
    });
  });
};
