import type { Blobs } from '../../platform/blobs/blobs.ts';
import type { Layer, LayerStore } from '../../platform/blobs/layer-store.ts';
import type { Workspace } from '../builder.ts';
import type { BuildSandboxes } from '../run-in-sandbox.ts';

/** A layer, and a folder on this machine that holds its files. */
export interface MountedLayer extends Layer {
  readonly folder: string;
}

/** A layer and what it was made from. */
export interface LockedLayer<Lock> {
  readonly layer: MountedLayer;
  readonly lock: Lock;
}

export interface LockedLayerDeps {
  readonly sandboxes: BuildSandboxes;
  readonly layers: LayerStore;
  /** Keeps what was resolved. */
  readonly blobs: Blobs;
}

/** How one kind of layer comes about. */
export interface LayerRecipe<Lock> {
  readonly step: string;
  /** What the algorithm brought; null: it has to be resolved. */
  readonly given: Lock | null;
  /** Names what is to be resolved: two builds with the same key get the same lock, also when newer versions came out. */
  readonly resolvedKey: string;
  resolve(): Promise<Lock>;
  /** Names what the lock decides: two builds with the same key share a layer. */
  layerKey(lock: Lock): string;
  /** Gives the folder that becomes the layer. */
  install(lock: Lock): Promise<string>;
}

const blobOf = (key: string): string => `locks/${key}.json`;

const lockOf = async <Lock>(blobs: Blobs, recipe: LayerRecipe<Lock>): Promise<Lock> => {
  if (recipe.given !== null) return recipe.given;
  const blob = blobOf(recipe.resolvedKey);
  // `as`: we wrote it, under a key that tells what it is.
  if (await blobs.has(blob)) return JSON.parse((await blobs.read(blob)).toString('utf8')) as Lock;
  const lock = await recipe.resolve();
  await blobs.put(blob, Buffer.from(JSON.stringify(lock)));
  return lock;
};

/**
 * Gives the layer of a recipe: what was resolved before is not resolved again, what was installed before is not installed
 * again. Every layer is installed from a lock, so one that is built again from it is the same.
 */
export const lockedLayer = async <Lock>(
  { layers, blobs }: LockedLayerDeps,
  { log }: Workspace,
  recipe: LayerRecipe<Lock>,
): Promise<LockedLayer<Lock>> => {
  const lock = await lockOf(blobs, recipe);
  const key = recipe.layerKey(lock);
  const known = await layers.find(key);
  if (known !== null) {
    log.write('platform', `${recipe.step}: unchanged, layer ${known.digest.slice(0, 12)}\n`);
    return { lock, layer: { ...known, folder: await layers.folderOf(known.digest) } };
  }
  const layer = await layers.add(await recipe.install(lock));
  await layers.remember(key, layer);
  const size = (layer.sizeBytes / 2 ** 20).toFixed(1);
  log.write('platform', `${recipe.step}: layer ${layer.digest.slice(0, 12)}, ${size} MiB packed\n`);
  return { lock, layer: { ...layer, folder: await layers.folderOf(layer.digest) } };
};
