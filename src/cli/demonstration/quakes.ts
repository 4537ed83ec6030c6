import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** One earthquake of the USGS feed that npm's `vega-datasets` carries. */
export interface Quake {
  readonly id: string;
  readonly magnitude: number;
  readonly lat: number;
  readonly lng: number;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
}

interface Feature {
  readonly id: string;
  readonly properties: { readonly mag: number | null; readonly time: number };
  readonly geometry: { readonly coordinates: readonly [number, number, number] };
}

/** The 1,707 earthquakes of `vega-datasets/data/earthquakes.json`. */
export const readQuakes = async (): Promise<readonly Quake[]> => {
  // The package exports its code only; its data lies beside the folder of its main file.
  const main = createRequire(import.meta.url).resolve('vega-datasets');
  const file = join(dirname(main), '..', 'data', 'earthquakes.json');
  const { features } = JSON.parse(await readFile(file, 'utf8')) as { readonly features: readonly Feature[] };
  return features.map(({ id, properties, geometry }) => ({
    id,
    magnitude: properties.mag ?? 0,
    lat: geometry.coordinates[1],
    lng: geometry.coordinates[0],
    timeMs: properties.time,
  }));
};
