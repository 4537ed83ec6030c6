import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCold } from './cold.ts';
import { boundsOf, isKept, type Row } from './figures.ts';
import { measureIsolation } from './isolation.ts';
import { measureMemory } from './memory.ts';
import { measureOverhead } from './overhead.ts';
import { type Product, startProduct } from './product.ts';
import { measureRest } from './rest.ts';
import { measureDensity, measureStages } from './sandboxes.ts';
import { measureScale } from './scale.ts';
import { measureStreams } from './streams.ts';

/**
 * `npm run bench`: the product against the floor on one broker, cells interleaved, medians over the repeats.
 * --json FILE writes the rows; --check exits 1 on a missed bound; --repeats N, --seconds N,
 * --only rest,stream,overhead,prewarmed,scale,memory,cold,isolation-call,density,stages.
 */

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '1,8,32,128' },
    only: { type: 'string', default: 'rest,stream,overhead,prewarmed,scale,memory,cold,isolation-call,density,stages' },
  },
});
const repeats = Number(values.repeats);
const seconds = Number(values.seconds);
const cells = values.concurrency.split(',').map(Number);
const cases = new Set(values.only.split(','));
const say = (text: string): void => console.error(text);

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SANDBOX_DRIVER_MISSING';

const rows: Row[] = [];

/** Runs what `measure` does on a platform of its own, with the echo algorithm deployed. */
const onProduct = async (
  variables: Readonly<Record<string, string>>,
  measure: (product: Product) => Promise<void>,
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  // Sandboxes of the bench run as in production: under a user of their own, which must reach the folder.
  chmodSync(folder, 0o711);
  const product = await startProduct({ dataFolder: folder, httpPort: 27280, kafkaPort: 27292, variables });
  try {
    await product.cli('deploy', resolve(import.meta.dirname, 'algorithms/echo'));
    await measure(product);
  } finally {
    await product.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** The stages of a cold start; none where this machine does not have the driver. */
const stagesOf = async (kind: 'bubblewrap' | 'docker'): Promise<readonly Row[]> => {
  try {
    return await measureStages(kind, 30, say);
  } catch (error) {
    if (!isMissing(error)) throw error;
    say(`cold start by stage, ${kind}: not run, this machine does not have it`);
    return [];
  }
};

if (['rest', 'stream', 'overhead', 'prewarmed', 'scale', 'memory'].some((name) => cases.has(name))) {
  await onProduct({}, async (product) => {
    if (cases.has('rest')) rows.push(...(await measureRest(product, { repeats, seconds, concurrencies: cells, say })));
    if (cases.has('stream')) rows.push(...(await measureStreams(product, { repeats, records: 20_000, say })));
    if (cases.has('overhead')) rows.push(await measureOverhead(product, say));
    if (cases.has('prewarmed')) rows.push(await measureCold(product, { name: 'prewarmed', calls: 30, say }));
    if (cases.has('scale')) rows.push(...(await measureScale(product, { seconds, say })));
    if (cases.has('memory')) rows.push(await measureMemory(product, say));
  });
}
if (cases.has('cold')) {
  await onProduct({ MILLRACE_PREWARMED: '0' }, async (product) => {
    rows.push(await measureCold(product, { name: 'cold', calls: 30, say }));
  });
}
if (cases.has('isolation-call')) {
  await onProduct({ MILLRACE_SLOTS: '8' }, async (product) => {
    rows.push(...(await measureIsolation(product, { repeats, seconds, say })));
  });
}
if (cases.has('density')) rows.push(await measureDensity(200, say));
if (cases.has('stages')) {
  for (const kind of ['bubblewrap', 'docker'] as const) rows.push(...(await stagesOf(kind)));
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
