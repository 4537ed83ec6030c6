import { createHash } from 'node:crypto';
import type { BuildEnvironment } from '../builder.ts';

/** True when the dependency file names something to be installed. */
export const namesDependencies = (environment: BuildEnvironment, content: string): boolean => {
  if (environment.dependencyFile !== 'package.json') {
    return content.split('\n').some((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  }
  try {
    const parsed: unknown = JSON.parse(content);
    if (typeof parsed !== 'object' || parsed === null || !('dependencies' in parsed)) return false;
    const { dependencies } = parsed;
    return typeof dependencies === 'object' && dependencies !== null && Object.keys(dependencies).length > 0;
  } catch {
    return true;
  }
};

/** What decides a dependency layer: two builds with the same key share one. */
export interface LayerKeyParts {
  readonly environment: BuildEnvironment;
  /** Version of the interpreter that resolves them. */
  readonly interpreter: string;
  readonly dependencies: string;
  readonly lock: string | null;
}

/** Name of the layer's entry in the cache: a digest over everything that decides its content. */
export const layerKey = ({ environment, interpreter, dependencies, lock }: LayerKeyParts): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        environment.id,
        environment.dependencies,
        environment.dependenciesLocked,
        interpreter,
        dependencies,
        lock,
      ]),
    )
    .digest('hex');
