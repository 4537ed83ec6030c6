import { describe, expect, it } from 'vitest';
import { platformTopics } from '../../kernel/topics.ts';
import { createOwnRegistry } from './own-registry.ts';

const registry = createOwnRegistry({ topics: platformTopics(['cpu']), fullName: (topic) => `eu.${topic.name}` });

describe('own registry', () => {
  it('lists one subject per topic with a contract, under the name that the topic has on the broker', () => {
    const { status, body } = registry.get('/subjects');
    expect(status).toBe(200);
    expect(body).toContain('eu.requests.cpu.v1-value');
    expect(body).toContain('eu.results.v1-value');
    expect(body).not.toContain('eu.dead.v1-value');
  });

  it('answers a version by number and as latest with the same id, and the schema by that id', () => {
    const path = '/subjects/eu.requests.cpu.v1-value/versions';
    expect(registry.get(path).body).toEqual([1]);
    const latest = registry.get(`${path}/latest`).body as { readonly id: number; readonly schema: string };
    expect(registry.get(`${path}/1`).body).toEqual(latest);
    expect(JSON.parse(latest.schema)).toMatchObject({ name: 'Request', namespace: 'millrace.v1' });
    expect(registry.get(`/schemas/ids/${latest.id}?subject=`).body).toEqual({ schema: latest.schema });
    expect(registry.get(`/schemas/ids/${latest.id}/versions`).body).toEqual([
      { subject: 'eu.requests.cpu.nested.v1-value', version: 1 },
      { subject: 'eu.requests.cpu.v1-value', version: 1 },
    ]);
  });

  it.each([
    ['/schemas/ids/4711', 404, 40403],
    ['/subjects/nothing-value/versions', 404, 40401],
    ['/subjects/eu.results.v1-value/versions/99', 404, 40402],
    ['/subjects/eu.results.v1-value/versions/new', 422, 42202],
    ['/subjects/%ZZ/versions', 404, 404],
    ['/mode', 404, 404],
  ])('refuses %s with %i and the code of the API', (path, status, code) => {
    expect(registry.get(path)).toMatchObject({ status, body: { error_code: code } });
  });
});
