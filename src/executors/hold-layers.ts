import type { Mount } from '../sandboxes/sandbox.ts';
import type { Artefacts, HeldLayer } from './artefacts.ts';
import type { SandboxClass } from './call.ts';
import { algorithmFolder, type Language } from './languages.ts';

export interface HeldLayers {
  /** With where they belong. */
  readonly mounts: readonly Mount[];
  /** Folder with the algorithm's system packages; null: it has none. */
  readonly systemLayer: string | null;
  /** Lets them go. Calling it twice does nothing. */
  readonly release: () => void;
}

/** Holds the layers of the class's artefact: all of them, or none. Throws as `Artefacts.hold`. */
export const holdLayers = async (
  artefacts: Artefacts,
  sandboxClass: SandboxClass,
  language: Language,
): Promise<HeldLayers> => {
  const { app, dependencies, system = null } = sandboxClass.build.artefact;
  const wanted = [{ digest: app, target: algorithmFolder }];
  if (dependencies !== null) wanted.push({ digest: dependencies, target: language.dependenciesTarget });
  const held: HeldLayer[] = [];
  const release = (): void => {
    for (const layer of held) layer.release();
  };
  const holdSystem = async (): Promise<string | null> => {
    if (system === null) return null;
    const layer = await artefacts.hold(system);
    held.push(layer);
    return layer.folder;
  };
  try {
    const mounts: Mount[] = [];
    for (const { digest, target } of wanted) {
      const layer = await artefacts.hold(digest);
      held.push(layer);
      mounts.push({ source: layer.folder, target, writable: false });
    }
    return { mounts, systemLayer: await holdSystem(), release };
  } catch (error) {
    release();
    throw error;
  }
};
