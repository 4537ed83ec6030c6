import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCold } from './cold.ts';
import { boundsOf, isKept, type Row, rowOf } from './figures.ts';
import { startFloor } from './floor.ts';
import { startProduct } from './product.ts';
import { measureStreams } from './streams.ts';
import { type LoadResult, load } from './wrk.ts';

/**
 * `npm run bench`: the product against the floor on one broker, cells interleaved, medians over the repeats.
 * --json FILE writes the rows; --check exits 1 on a missed bound; --repeats N, --seconds N, --only rest,stream,cold.
 */

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '1,8,32,128' },
    only: { type: 'string', default: 'rest,stream,cold' },
  },
});
const repeats = Number(values.repeats);
const seconds = Number(values.seconds);
const cells = values.concurrency.split(',').map(Number);
const cases = new Set(values.only.split(','));
const say = (text: string): void => console.error(text);

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
const product = await startProduct({ dataFolder: folder, httpPort: 27280, kafkaPort: 27292 });
const rows: Row[] = [];
try {
  say('deploying the echo algorithm');
  await product.cli('deploy', resolve(import.meta.dirname, 'algorithms/echo'));

  if (cases.has('rest')) {
    const floor = await startFloor({
      access: product.access,
      port: 27281,
      requests: 'floor.requests',
      results: 'floor.results',
      http: true,
    });
    const sides = [
      { side: 'floor', url: floor.url },
      { side: 'product', url: `${product.address}/v1/algo/admin/echo` },
    ] as const;
    const runs = new Map<string, LoadResult[]>();
    say('burn-in');
    for (const { url } of sides) await load({ url, authorization: product.authorization, concurrency: 32, seconds: 8 });
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      for (const concurrency of cells) {
        for (const { side, url } of repeat % 2 === 0 ? sides : [...sides].reverse()) {
          await load({ url, authorization: product.authorization, concurrency, seconds: 1 });
          const result = await load({ url, authorization: product.authorization, concurrency, seconds });
          const key = `${side}/${concurrency}`;
          runs.set(key, [...(runs.get(key) ?? []), result]);
          say(
            `rest ${side.padEnd(7)} c=${String(concurrency).padEnd(3)} ${result.rps.toFixed(0).padStart(6)}/s  p50 ${result.p50Ms.toFixed(2)} p99 ${result.p99Ms.toFixed(2)} ms  failed ${result.failed}`,
          );
        }
      }
    }
    await floor.stop();
    for (const { side } of sides) {
      for (const concurrency of cells)
        rows.push(rowOf({ case: 'rest', side, concurrency }, runs.get(`${side}/${concurrency}`) ?? []));
    }
  }
  if (cases.has('stream')) rows.push(...(await measureStreams(product, { repeats, records: 20_000, say })));
  if (cases.has('cold')) rows.push(await measureCold(product, { calls: 30, say }));
} finally {
  await product.stop();
  rmSync(folder, { recursive: true, force: true });
}

const bounds = boundsOf(rows);
console.table(
  rows.map((row) => ({
    ...row,
    rps: Math.round(row.rps),
    rps_min: Math.round(row.rps_min),
    rps_max: Math.round(row.rps_max),
  })),
);
for (const bound of bounds) {
  const shown = bound.value === null ? 'not measured' : bound.value.toFixed(2);
  console.log(
    `${isKept(bound) ? '✓' : '✗'} ${bound.name}: ${shown} (${bound.kind === 'max' ? 'at most' : 'at least'} ${bound.limit})`,
  );
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
if (values.check && !bounds.every(isKept)) process.exitCode = 1;
