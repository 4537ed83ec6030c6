import { type Row, rowOf } from './figures.ts';
import { startFloor } from './floor.ts';
import type { Product } from './product.ts';
import { type LoadResult, load } from './wrk.ts';

interface Side {
  readonly side: Row['side'];
  readonly url: string;
}

interface RestOptions {
  readonly repeats: number;
  readonly seconds: number;
  readonly concurrencies: readonly number[];
  readonly say: (text: string) => void;
}

const describe = (side: string, concurrency: number, result: LoadResult): string =>
  `rest ${side.padEnd(7)} c=${String(concurrency).padEnd(3)} ${result.rps.toFixed(0).padStart(6)}/s  p50 ${result.p50Ms.toFixed(2)} p99 ${result.p99Ms.toFixed(2)} ms  failed ${result.failed}`;

/** Every cell of one repeat, floor and product in turn; the next repeat turns the order round. */
const cellsOf = (options: RestOptions, sides: readonly Side[]): readonly (Side & { readonly concurrency: number })[] =>
  Array.from({ length: options.repeats }, (_, repeat) => (repeat % 2 === 0 ? sides : [...sides].reverse())).flatMap(
    (order) => options.concurrencies.flatMap((concurrency) => order.map((side) => ({ ...side, concurrency }))),
  );

/** 128-byte JSON echo in Python over HTTP, closed loop: product and floor, medians over the repeats. */
export const measureRest = async (product: Product, options: RestOptions): Promise<readonly Row[]> => {
  const { authorization } = product;
  const floor = await startFloor({
    access: product.access,
    port: 27281,
    requests: 'floor.requests',
    results: 'floor.results',
    http: true,
  });
  const sides: readonly Side[] = [
    { side: 'floor', url: floor.url },
    { side: 'product', url: `${product.address}/v1/algo/admin/echo` },
  ];
  options.say('burn-in');
  for (const { url } of sides) await load({ url, authorization, concurrency: 32, seconds: 15 });
  const runs = new Map<string, LoadResult[]>();
  for (const { side, url, concurrency } of cellsOf(options, sides)) {
    await load({ url, authorization, concurrency, seconds: 1 });
    const result = await load({ url, authorization, concurrency, seconds: options.seconds });
    const cell = `${side}/${concurrency}`;
    runs.set(cell, [...(runs.get(cell) ?? []), result]);
    options.say(describe(side, concurrency, result));
  }
  await floor.stop();
  return sides.flatMap(({ side }) =>
    options.concurrencies.map((concurrency) =>
      rowOf({ case: 'rest', side, concurrency }, runs.get(`${side}/${concurrency}`) ?? []),
    ),
  );
};
