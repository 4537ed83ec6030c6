import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type Docker from 'dockerode';
import { ownSettings } from '../bubblewrap/overlay.ts';
import { followProgress, hasImage } from './base-image.ts';

export interface LayerImages {
  /** Name of the image with the layer of packages over it. Concurrent calls share one making. */
  of(layer: string): Promise<string>;
}

export interface LayerImagesOptions {
  readonly engine: Docker;
  /** The image of sandboxes without packages. */
  readonly base: string;
  /** For what is written on the way. */
  readonly folder: string;
}

/** A layer's folder is named by its content. */
const nameFor = (base: string, layer: string): string =>
  `millrace-system:${createHash('sha256')
    .update(`${base}\n${basename(layer)}`)
    .digest('hex')
    .slice(0, 12)}`;

const make = async ({ engine, base, folder }: LayerImagesOptions, name: string, layer: string): Promise<void> => {
  const parts = ['usr', 'etc'].filter((part) => existsSync(join(layer, part)));
  const context = await mkdtemp(join(folder, 'image-'));
  try {
    await writeFile(
      join(context, 'Dockerfile'),
      [`FROM ${base}`, ...parts.map((part) => `COPY ${part} /${part}`)].join('\n'),
    );
    const without = [...ownSettings].map((each) => `--exclude=etc/${each}`);
    const words = ['-c', '--owner=0', '--group=0', ...without, '-C', context, 'Dockerfile', '-C', layer, ...parts];
    const tar = spawn('/bin/tar', words, { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
    const labels = { 'millrace.layer': basename(layer) };
    await followProgress(engine, await engine.buildImage(tar.stdout, { t: name, labels, rm: true, forcerm: true }));
  } finally {
    await rm(context, { recursive: true, force: true });
  }
};

/**
 * Images of layers of system packages: one for each, made when the first sandbox needs it and kept by the engine (label
 * `millrace.layer`), whose own layers share what is below.
 */
export const createLayerImages = (options: LayerImagesOptions): LayerImages => {
  const making = new Map<string, Promise<string>>();
  const ensure = async (layer: string): Promise<string> => {
    const name = nameFor(options.base, layer);
    if (!(await hasImage(options.engine, name))) await make(options, name, layer);
    return name;
  };
  return {
    of: async (layer) => {
      const running = making.get(layer) ?? ensure(layer).finally(() => making.delete(layer));
      making.set(layer, running);
      return await running;
    },
  };
};
