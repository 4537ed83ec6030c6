import { describe, expect, it } from 'vitest';
import { createAlgorithmScenario, python, role } from '../../../test/helpers/control-scenario.ts';
import { algorithmKind, buildKind, versionKind } from '../../catalog/catalog.ts';
import { buildsOfAlgorithm, versionsOfAlgorithm } from '../indexes.ts';

describe('algorithms', () => {
  it('start private, keep their spelling and take an environment by id or UUID', () => {
    const { scenario, ada, algorithmId } = createAlgorithmScenario();
    const other = scenario.uuid();
    scenario.done(ada, 'algorithm.create', { id: other, owner: 'ADA', name: 'Other', environment: python.uuid });
    expect(scenario.state.get(algorithmKind, algorithmId)).toMatchObject({
      owner: 'ada',
      name: 'hello',
      label: 'Hello',
    });
    expect(scenario.state.get(algorithmKind, other)).toMatchObject({
      environment: 'python3',
      settings: { callability: 'private', networkAccess: 'isolated' },
    });
  });

  it('have one name per owner in any spelling', () => {
    const { scenario, ada } = createAlgorithmScenario();
    const body = { id: scenario.uuid(), owner: 'ada', name: 'HELLO', environment: 'python3' };
    expect(scenario.refused(ada, 'algorithm.create', body)).toMatchObject({
      code: 'CATALOG_NAME_TAKEN',
      details: { vendorCode: 1002 },
    });
  });

  it('are made for strangers by nobody, with an unknown environment never', () => {
    const { scenario, ada } = createAlgorithmScenario();
    const eve = scenario.user('Eve');
    const body = { id: scenario.uuid(), owner: 'ada', name: 'New', environment: 'python3' };
    expect(scenario.refused(eve, 'algorithm.create', body)).toMatchObject({ kind: 'forbidden' });
    expect(scenario.refused(ada, 'algorithm.create', { ...body, environment: 'cobol' })).toMatchObject({
      kind: 'invalid',
      details: { vendorCode: 4001 },
    });
  });

  it("are managed by their organisation's members but not by its executors", () => {
    const { scenario, ada } = createAlgorithmScenario();
    const [eve, joe] = [scenario.user('Eve'), scenario.user('Joe')];
    scenario.done(ada, 'organisation.create', { name: 'Acme', email: null });
    scenario.done(ada, 'organisation.member.put', { organisation: 'acme', account: 'eve', role: 'member' });
    scenario.done(ada, 'organisation.member.put', { organisation: 'acme', account: 'joe', role: 'executor' });
    const body = () => ({ id: scenario.uuid(), owner: 'acme', name: 'Sum', environment: 'python3' });
    expect(scenario.refused(joe, 'algorithm.create', body())).toMatchObject({ kind: 'forbidden' });
    scenario.done(eve, 'algorithm.create', body());
  });

  it('take partial updates', () => {
    const { scenario, ada, algorithmId } = createAlgorithmScenario();
    scenario.done(ada, 'algorithm.update', {
      id: algorithmId,
      details: { tagline: 'Hi' },
      settings: { networkAccess: 'full' },
    });
    expect(scenario.state.get(algorithmKind, algorithmId)).toMatchObject({
      details: { label: 'Hello', tagline: 'Hi' },
      settings: { networkAccess: 'full', callability: 'private' },
    });
  });

  it('go with their builds and versions', () => {
    const { scenario, ada, algorithmId, built } = createAlgorithmScenario();
    built(1);
    scenario.done(ada, 'version.publish', { algorithmId });
    scenario.done(ada, 'algorithm.delete', { id: algorithmId });
    expect(scenario.state.get(algorithmKind, algorithmId)).toBeUndefined();
    expect(scenario.state.find(buildsOfAlgorithm, algorithmId)).toEqual([]);
    expect(scenario.state.find(versionsOfAlgorithm, algorithmId)).toEqual([]);
  });

  it('that everybody may call are deleted by administrators only', () => {
    const { scenario, ada, algorithmId, built } = createAlgorithmScenario();
    const root = scenario.user('Root', { admin: true });
    built(1);
    scenario.done(ada, 'version.publish', { algorithmId, settings: { callability: 'public' } });
    expect(scenario.refused(ada, 'algorithm.delete', { id: algorithmId }).code).toBe('CATALOG_PUBLISHED_TO_ALL');
    scenario.done(root, 'algorithm.delete', { id: algorithmId });
  });
});

describe('the decision itself', () => {
  it('refuses unknown commands, bodies that are no JSON or do not match, and audits each refusal', () => {
    const { scenario, ada } = createAlgorithmScenario();
    expect(scenario.refused(ada, 'algorithm.paint', {}).code).toBe('CONTROL_COMMAND_UNKNOWN');
    const decision = scenario.decide(ada, 'algorithm.create', { owner: 'ada' });
    expect(decision).toMatchObject({
      kind: 'refused',
      audit: { account: 'ada', action: 'algorithm.create', allowed: false, reason: 'CONTROL_COMMAND_INVALID' },
    });
  });

  it('audits what was done with its target', () => {
    const { scenario, ada, algorithmId } = createAlgorithmScenario();
    const { audit } = scenario.decide(ada, 'algorithm.update', { id: algorithmId });
    expect(audit).toMatchObject({ target: `algorithm/${algorithmId}`, allowed: true, reason: null, keyId: ada.keyId });
  });

  it('changes nothing by itself', () => {
    const { scenario, ada, algorithmId, commit } = createAlgorithmScenario();
    scenario.decide(ada, 'build.request', { algorithmId, build: commit(1) });
    expect(scenario.state.get(buildKind, `${algorithmId}/${commit(1)}`)).toBeUndefined();
    scenario.decide(role('control'), 'algorithm.delete', { id: algorithmId });
    expect(scenario.state.get(algorithmKind, algorithmId)).toBeDefined();
    expect(scenario.state.get(versionKind, `${algorithmId}/0.1.0`)).toBeUndefined();
  });
});
