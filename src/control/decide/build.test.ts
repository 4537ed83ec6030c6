import { describe, expect, it } from 'vitest';
import { createAlgorithmScenario, failed, role, succeeded } from '../../../test/helpers/control-scenario.ts';
import { buildKind } from '../../catalog/catalog.ts';

describe('builds', () => {
  it('are in progress and published to the builder once they are requested', () => {
    const { scenario, ada, algorithmId, commit } = createAlgorithmScenario();
    const effect = scenario.done(ada, 'build.request', { algorithmId, build: commit(1) });
    expect(effect.reply).toMatchObject({ status: 'in-progress', environment: 'python3', requestedBy: 'ada' });
    expect(effect.publications).toMatchObject([
      { key: algorithmId, message: { algorithmId, owner: 'ada', name: 'hello', build: commit(1) } },
    ]);
  });

  it('are requested once while they run or have succeeded, and again when they failed', () => {
    const { scenario, ada, algorithmId, commit } = createAlgorithmScenario();
    const request = { algorithmId, build: commit(1) };
    const finish = { algorithmId, hash: commit(1) };
    scenario.done(ada, 'build.request', request);
    expect(scenario.done(ada, 'build.request', request).publications).toBeUndefined();
    scenario.done(role('builder'), 'build.finish', { ...finish, ...failed });
    expect(scenario.done(ada, 'build.request', request).publications).toHaveLength(1);
    scenario.done(role('builder'), 'build.finish', { ...finish, ...succeeded });
    expect(scenario.done(ada, 'build.request', request)).toMatchObject({ reply: { status: 'succeeded' } });
  });

  it('are finished by the builder only', () => {
    const { scenario, ada, algorithmId, commit } = createAlgorithmScenario();
    scenario.done(ada, 'build.request', { algorithmId, build: commit(1) });
    const body = { algorithmId, hash: commit(1), ...succeeded };
    for (const by of [ada, role('ingress')]) {
      expect(scenario.refused(by, 'build.finish', body)).toMatchObject({ code: 'CONTROL_ROLE_REQUIRED' });
    }
  });

  it('keep their first end: a repeated one is a copy', () => {
    const { scenario, algorithmId, built } = createAlgorithmScenario();
    const hash = built(1);
    const effect = scenario.done(role('builder'), 'build.finish', { algorithmId, hash, ...failed });
    expect(effect).toMatchObject({ reply: { status: 'succeeded' } });
    expect(scenario.state.get(buildKind, `${algorithmId}/${hash}`)?.status).toBe('succeeded');
  });

  it('do not succeed without an artefact', () => {
    const { scenario, ada, algorithmId, commit } = createAlgorithmScenario();
    scenario.done(ada, 'build.request', { algorithmId, build: commit(1) });
    const body = { algorithmId, hash: commit(1), ...succeeded, artefact: null };
    expect(scenario.refused(role('builder'), 'build.finish', body).details).toEqual({ vendorCode: 2012 });
  });

  it('of a deleted algorithm are unknown', () => {
    const { scenario, ada, algorithmId, commit } = createAlgorithmScenario();
    scenario.done(ada, 'build.request', { algorithmId, build: commit(1) });
    scenario.done(ada, 'algorithm.delete', { id: algorithmId });
    const body = { algorithmId, hash: commit(1), ...succeeded };
    expect(scenario.refused(role('builder'), 'build.finish', body)).toMatchObject({ kind: 'not-found' });
  });
});
