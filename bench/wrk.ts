import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Figures of one closed-loop run of wrk. */
export interface LoadResult {
  readonly rps: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

interface Printed {
  readonly requests: number;
  readonly seconds: number;
  readonly failed: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
}

/** Posts the 128-byte JSON in a closed loop over `concurrency` connections, one thread. Throws when wrk fails. */
export const load = async (options: {
  readonly url: string;
  readonly authorization: string;
  readonly concurrency: number;
  readonly seconds: number;
}): Promise<LoadResult> => {
  const words = [
    '-t1',
    `-c${options.concurrency}`,
    `-d${options.seconds}s`,
    '--timeout',
    '20s',
    '-s',
    join(import.meta.dirname, 'report.lua'),
    options.url,
  ];
  const child = spawn('wrk', words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], BENCH_AUTHORIZATION: options.authorization },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', () =>
      reject(new Error('wrk is missing: install it with the package manager (apt-get install wrk)')),
    );
    child.once('close', resolve);
  });
  const line = output.split('\n').find((each) => each.startsWith('BENCH '));
  if (code !== 0 || line === undefined) throw new Error(`wrk ended with ${code ?? 'a signal'}:\n${output}`);
  const printed = JSON.parse(line.slice(6)) as Printed;
  return {
    rps: printed.requests / printed.seconds,
    failed: printed.failed,
    p50Ms: printed.p50_ms,
    p95Ms: printed.p95_ms,
    p99Ms: printed.p99_ms,
  };
};
