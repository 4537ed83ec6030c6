import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { type Row, rowOf } from './figures.ts';
import type { Product } from './product.ts';
import { type LoadResult, load } from './wrk.ts';

const root = resolve(import.meta.dirname, '..');
const concurrency = 64;

/** One more executor on the same data folder and log. Resolves when it takes requests; the function given stops it. */
const startExecutor = async (product: Product): Promise<() => Promise<void>> => {
  const child = spawn(process.execPath, ['src/apps/main.ts', 'executor'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      ...product.variables,
      MILLRACE_KAFKA_BROKERS: product.access.broker,
      MILLRACE_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      MILLRACE_KAFKA_SASL_USERNAME: product.access.username,
      MILLRACE_KAFKA_SASL_PASSWORD: product.access.password,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((settle) => child.once('exit', () => settle()));
  await new Promise<void>((settle, reject) => {
    child.once('message', () => settle());
    child.once('exit', (code) => reject(new Error(`the second executor ended with ${code ?? 'a signal'}`)));
  });
  return async () => {
    child.kill('SIGTERM');
    await exited;
  };
};

/** A sleeping algorithm on one executor, then on two: sleeping takes no core, so slots are what is measured. */
export const measureScale = async (
  product: Product,
  options: { readonly seconds: number; readonly say: (text: string) => void },
): Promise<readonly Row[]> => {
  const { authorization } = product;
  const { seconds, say } = options;
  await product.cli('deploy', resolve(import.meta.dirname, 'algorithms/sleep'));
  const url = `${product.address}/v1/algo/admin/sleep`;
  const measure = async (executors: number): Promise<LoadResult> => {
    // Lanes follow demand, sandboxes follow lanes: both get time to spread.
    await load({ url, authorization, concurrency, seconds: 6 });
    const result = await load({ url, authorization, concurrency, seconds });
    say(`scale ${executors} executor(s) ${result.rps.toFixed(0)}/s`);
    return result;
  };
  const one = await measure(1);
  const stop = await startExecutor(product);
  const two = await measure(2);
  await stop();
  return [
    rowOf({ case: 'executors-1', side: 'product', concurrency }, [one]),
    rowOf({ case: 'executors-2', side: 'product', concurrency }, [two]),
  ];
};
