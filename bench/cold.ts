import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { percentile, type Row } from './figures.ts';
import type { Product } from './product.ts';

/**
 * Calls that find no sandbox of their build: each deploys a build of its own, waits for it, then times the first call.
 * The build is present. `cold`: nothing is prewarmed, so sandbox, interpreter and import are measured; `prewarmed`: a
 * sandbox with its interpreter waits.
 */
export const measureCold = async (
  product: Product,
  options: { readonly name: 'cold' | 'prewarmed'; readonly calls: number; readonly say: (text: string) => void },
): Promise<Row> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cold-'));
  cpSync(resolve(import.meta.dirname, 'algorithms/echo'), folder, { recursive: true });
  const times: number[] = [];
  for (let call = 0; call < options.calls; call += 1) {
    writeFileSync(join(folder, 'src', 'round.py'), `round = ${call}\n`);
    const deployed = JSON.parse(await product.cli('deploy', folder, '--no-publish', '--json')) as {
      readonly build: string;
    };
    const begin = performance.now();
    const response = await fetch(`${product.address}/v1/algo/admin/echo/${deployed.build}`, {
      method: 'POST',
      headers: { authorization: product.authorization, 'content-type': 'application/json' },
      body: '{"hello":"cold"}',
    });
    const text = await response.text();
    if (!text.includes('cold')) throw new Error(`a cold call was answered: ${text}`);
    times.push(performance.now() - begin);
  }
  rmSync(folder, { recursive: true, force: true });
  const p50 = percentile(times, 0.5);
  options.say(`${options.name} p50 ${p50.toFixed(0)} ms, p95 ${percentile(times, 0.95).toFixed(0)} ms`);
  return {
    case: options.name,
    side: 'product',
    concurrency: 1,
    rps: 1000 / p50,
    p50_ms: p50,
    p95_ms: percentile(times, 0.95),
    p99_ms: percentile(times, 0.99),
    rps_min: 1000 / Math.max(...times),
    rps_max: 1000 / Math.min(...times),
    failed: 0,
    runs: times.length,
  };
};
