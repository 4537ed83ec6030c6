import { describe, expect, it } from 'vitest';
import { createAlgorithmScenario, role } from '../../../test/helpers/control-scenario.ts';
import { reservationKind } from '../../catalog/reservations.ts';

describe('reservations', () => {
  it('are set, changed and removed for a build that succeeded', () => {
    const { scenario, algorithmId, built } = createAlgorithmScenario();
    const body = { algorithmId, build: built(1), version: null, account: 'Ada', min: 2 };
    const kept = () => scenario.state.get(reservationKind, `${algorithmId}/${body.build}/ada`)?.min;
    scenario.done(role('ingress'), 'reservation.set', body);
    expect(kept()).toBe(2);
    scenario.done(role('ingress'), 'reservation.set', { ...body, min: 3 });
    expect(kept()).toBe(3);
    scenario.done(role('ingress'), 'reservation.set', { ...body, min: 0 });
    expect(kept()).toBeUndefined();
  });

  it('are refused for a build that is unknown, and to who is no administrator', () => {
    const { scenario, ada, algorithmId, built, commit } = createAlgorithmScenario();
    const body = { algorithmId, build: built(1), version: null, account: 'ada', min: 1 };
    const unknown = { ...body, build: commit(7) };
    expect(scenario.refused(role('ingress'), 'reservation.set', unknown)).toMatchObject({
      code: 'CATALOG_BUILD_NOT_SUCCEEDED',
    });
    expect(scenario.refused(ada, 'reservation.set', body)).toMatchObject({ code: 'ACCOUNTS_FORBIDDEN' });
  });
});
