import type { Algorithm, Build, Environment } from '../catalog/catalog.ts';
import type { SandboxClass } from '../executors/call.ts';
import { createResolveClass } from '../executors/resolve-class.ts';
import type { LocalBuild, RunOptions } from './local.ts';

/** Which sandboxes run the build in the environment of that id, decided as an executor decides it for such settings. */
export const classOf = (local: LocalBuild, id: string, { network }: RunOptions): SandboxClass => {
  const { name } = local.source;
  const algorithm: Algorithm = {
    id: name,
    owner: 'local',
    name: name.toLowerCase(),
    label: name,
    details: { label: name, summary: '', tagline: '' },
    environment: id,
    settings: {
      callability: 'private',
      sourceVisibility: 'open',
      license: '',
      networkAccess: network ? 'full' : 'isolated',
      pipelineEnabled: true,
      insightsEnabled: true,
    },
    createdAtMs: 0,
  };
  const build: Build = {
    algorithmId: name,
    hash: local.hash,
    environment: id,
    status: 'succeeded',
    requestedBy: 'local',
    startedAtMs: 0,
    finishedAtMs: 0,
    artefact: local.artefact,
    run: local.run,
    tests: null,
    error: null,
    log: null,
  };
  const environment: Environment = { id, uuid: '', label: id, language: id, dependencyFile: '' };
  const resolve = createResolveClass({
    algorithmById: () => algorithm,
    build: () => build,
    environment: () => environment,
  });
  const found = resolve({ algorithmId: name, build: local.hash, account: 'local' });
  if (found === null) throw new Error(`the build of ${name} cannot be run`);
  return found;
};
