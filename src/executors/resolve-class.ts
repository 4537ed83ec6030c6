import type { Algorithm, Build, Catalog, RunSettings } from '../catalog/catalog.ts';
import type { Request } from '../kernel/contracts/contracts.gen.ts';
import type { SandboxNetwork } from '../sandboxes/sandbox.ts';
import type { RunnableBuild, SandboxClass } from './call.ts';
import { classKeyOf } from './pool/class-key.ts';

/** True for a build that succeeded and has what is needed to run it. `as`-free: the checks narrow it. */
export const isRunnable = (build: Build): build is RunnableBuild =>
  build.status === 'succeeded' && build.artefact !== null && build.run !== null;

/** The owner's setting decides first; a build can only ask for less than it allows. */
const networkOf = ({ settings }: Algorithm, { hosts = null }: RunSettings): SandboxNetwork => {
  if (settings.networkAccess !== 'full') return 'none';
  return hosts === null ? 'outside' : { hosts };
};

/** Which sandboxes may run the request; null when its build is not known as one that can be run. */
export const createResolveClass =
  (catalog: Pick<Catalog, 'algorithmById' | 'build' | 'environment'>) =>
  (request: Pick<Request, 'algorithmId' | 'build' | 'account'>): SandboxClass | null => {
    const build = catalog.build(request.algorithmId, request.build);
    const algorithm = catalog.algorithmById(request.algorithmId);
    if (build === null || algorithm === null || !isRunnable(build)) return null;
    const environment = catalog.environment(build.environment);
    if (environment === null) return null;
    return {
      key: classKeyOf(build, build.run.isolation, request.account),
      build,
      language: environment.id,
      network: networkOf(algorithm, build.run),
    };
  };
