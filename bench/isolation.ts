import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Row, rowOf } from './figures.ts';
import type { Product } from './product.ts';
import { type LoadResult, load } from './wrk.ts';

const isolations = ['account', 'call'] as const;
const concurrency = 8;

/** One algorithm, 80 MB of heap and 1 ms of work, built with each isolation; the cells are interleaved. */
export const measureIsolation = async (
  product: Product,
  options: { readonly repeats: number; readonly seconds: number; readonly say: (text: string) => void },
): Promise<readonly Row[]> => {
  const { authorization } = product;
  const { repeats, seconds, say } = options;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-isolation-'));
  cpSync(resolve(import.meta.dirname, 'algorithms/heap'), folder, { recursive: true });
  const cells = [];
  for (const isolation of isolations) {
    appendFileSync(join(folder, 'millrace.yaml'), `isolation: ${isolation}\n`);
    const deployed = JSON.parse(await product.cli('deploy', folder, '--no-publish', '--json')) as {
      readonly build: string;
    };
    cpSync(resolve(import.meta.dirname, 'algorithms/heap'), folder, { recursive: true });
    const url = `${product.address}/v1/algo/admin/heap/${deployed.build}`;
    await load({ url, authorization, concurrency, seconds: 3 });
    cells.push({ isolation, url, runs: [] as LoadResult[] });
  }
  rmSync(folder, { recursive: true, force: true });
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const { isolation, url, runs } of cells) {
      // The other one's sandboxes may have to make room first.
      await load({ url, authorization, concurrency, seconds: 2 });
      const result = await load({ url, authorization, concurrency, seconds });
      say(`isolation ${isolation} ${result.rps.toFixed(0)}/s, p50 ${result.p50Ms.toFixed(1)} ms`);
      runs.push(result);
    }
  }
  return cells.map(({ isolation, runs }) =>
    rowOf({ case: `isolation-${isolation}`, side: 'product', concurrency }, runs),
  );
};
