import { describe, expect, it } from 'vitest';
import { createAlgorithmScenario } from '../../../test/helpers/control-scenario.ts';

describe('versions', () => {
  it.each([
    ['minor', '0.1.0'],
    [undefined, '0.1.0'],
    ['major', '1.0.0'],
    ['revision', '0.0.1'],
    ['patch', '0.0.1'],
  ])('the first one of type %s is %s', (versionType, semantic) => {
    const { scenario, ada, algorithmId, built } = createAlgorithmScenario();
    built(1);
    expect(scenario.done(ada, 'version.publish', { algorithmId, versionType }).reply).toMatchObject({ semantic });
  });

  it('count on from the highest', () => {
    const { scenario, ada, algorithmId, built } = createAlgorithmScenario();
    const numbers = (['major', 'minor', 'revision', 'revision', 'minor', 'major'] as const).map((versionType, at) => {
      built(at + 1);
      return scenario.done(ada, 'version.publish', { algorithmId, versionType }).reply;
    });
    const semantics = ['1.0.0', '1.1.0', '1.1.1', '1.1.2', '1.2.0', '2.0.0'];
    expect(numbers).toMatchObject(semantics.map((semantic) => ({ semantic })));
  });

  it('take the newest successful build and are private unless told otherwise', () => {
    const { scenario, ada, algorithmId, built, commit } = createAlgorithmScenario();
    built(1);
    const newest = built(2);
    scenario.done(ada, 'build.request', { algorithmId, build: commit(3) });
    const { reply } = scenario.done(ada, 'version.publish', { algorithmId });
    expect(reply).toMatchObject({ build: newest, callability: 'private', publishedBy: 'ada' });
  });

  it('of a build that is published already are refused with code 1007', () => {
    const { scenario, ada, algorithmId, built } = createAlgorithmScenario();
    const build = built(1);
    expect(scenario.refused(ada, 'version.publish', { algorithmId, build: build.replace(/.$/, 'f') }).kind).toBe(
      'not-found',
    );
    scenario.done(ada, 'version.publish', { algorithmId, build });
    for (const body of [{ algorithmId }, { algorithmId, build }]) {
      const error = scenario.refused(ada, 'version.publish', body);
      expect(error).toMatchObject({
        code: 'CATALOG_BUILD_ALREADY_PUBLISHED',
        kind: 'invalid',
        details: { vendorCode: 1007 },
      });
    }
  });

  it('need a build that succeeded', () => {
    const { scenario, ada, algorithmId, commit } = createAlgorithmScenario();
    expect(scenario.refused(ada, 'version.publish', { algorithmId }).code).toBe('CATALOG_NOTHING_TO_PUBLISH');
    scenario.done(ada, 'build.request', { algorithmId, build: commit(1) });
    const error = scenario.refused(ada, 'version.publish', { algorithmId, build: commit(1) });
    expect(error.code).toBe('CATALOG_BUILD_NOT_SUCCEEDED');
  });

  it("for everybody are published by an organisation's owners only", () => {
    const { scenario, ada } = createAlgorithmScenario();
    const eve = scenario.user('Eve');
    scenario.done(ada, 'organisation.create', { name: 'Acme', email: null });
    scenario.done(ada, 'organisation.member.put', { organisation: 'acme', account: 'eve', role: 'member' });
    const id = scenario.uuid();
    scenario.done(eve, 'algorithm.create', { id, owner: 'acme', name: 'Sum', environment: 'python3' });
    const error = scenario.refused(eve, 'version.publish', { algorithmId: id, settings: { callability: 'public' } });
    expect(error).toMatchObject({ kind: 'forbidden', details: { vendorCode: 2001 } });
  });
});
