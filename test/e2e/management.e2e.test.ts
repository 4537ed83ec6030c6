import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type AskOptions, createE2eClient, type WireAnswer, withFolder } from '../helpers/e2e-client.ts';
import { createPeople } from '../helpers/e2e-people.ts';
import { sources } from '../helpers/e2e-sources.ts';

const platform = inject('platform');
const client = createE2eClient(platform);
const { ask, call } = client;
const people = createPeople(client);
const code = 'def apply(input):\n    return "hello " + str(input)\n';
const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;
const commit = expect.stringMatching(/^[0-9a-f]{40}$/) as string;
const noSuchAlgorithm = [404, '{"error":"No such algorithm"}'];
const seen = ({ status, text }: WireAnswer): unknown[] => [status, text];

let ada = '';
let ben = '';
let eve = '';

beforeAll(async () => {
  [ada, ben, eve] = await Promise.all([people.user('Ada'), people.user('Ben'), people.user('Eve')]);
});

/** Source of an algorithm, sent as the CLI does, without compiling it. */
const sendSource = async (owner: string, name: string, options: { key: string; text?: string }): Promise<string> =>
  await withFolder(sources.python(name, options.text ?? code), async (folder) => {
    const run = await client.cli(['deploy', folder, '--owner', owner, '--no-publish', '--json'], options);
    if (run.code !== 0) throw new Error(run.stderr);
    return (JSON.parse(run.stdout) as { build: string }).build;
  });

describe('an organization', () => {
  beforeAll(async () => {
    const body = { org_name: 'Acme', org_label: 'Acme Corp', org_email: 'a@example.org', type_id: 'basic' };
    const made = await ask('POST', '/v1/organizations', { key: ada, body });
    expect([made.status, made.json()]).toMatchObject([
      200,
      { id: uuid, org_name: 'Acme', org_label: 'Acme Corp', resource_type: 'organization', org_created_at: iso },
    ]);
    expect((await ask('PUT', '/v1/organizations/acme/members/Ben', { key: ada })).status).toBe(201);
    expect((await ask('PUT', '/v1/organizations/acme/members/Ben', { key: ada })).status).toBe(200);
    await client.deploy(sources.python('Shared', code), ['--owner', 'Acme', '--private'], { key: ben });
  });

  it('has algorithms that its members deploy and call, and nobody else sees', async () => {
    for (const key of [ada, ben]) {
      expect((await call('Acme/Shared/0.1.0', { body: 'you', key })).text).toContain('"hello you"');
      expect((await ask('GET', '/v1/algorithms/Acme/Shared', { key })).status).toBe(200);
    }
    expect(seen(await call('Acme/Shared/0.1.0', { body: 1, key: eve }))).toEqual([
      404,
      '{"error":{"message":"algorithm algo://Acme/Shared/0.1.0 not found"}}',
    ]);
    for (const [method, path] of [
      ['GET', ''],
      ['PUT', ''],
      ['DELETE', ''],
      ['POST', '/compile'],
      ['GET', '/builds'],
      ['GET', '/versions'],
      ['POST', '/versions'],
    ] as const) {
      const body = method === 'POST' || method === 'PUT' ? { body: {} } : {};
      expect([path, ...seen(await ask(method, `/v1/algorithms/Acme/Shared${path}`, { key: eve, ...body }))]).toEqual([
        path,
        ...noSuchAlgorithm,
      ]);
    }
  });

  it('takes no algorithm from a stranger, and no member from who does not own it', async () => {
    const body = { name: 'Mine', settings: { algorithm_environment: 'python3' } };
    const denied = [403, { error: { code: 2001, message: 'Caller is not authorized to perform the operation' } }];
    const made = await ask('POST', '/v1/algorithms/Acme', { key: eve, body });
    expect([made.status, made.json()]).toMatchObject(denied);
    const invited = await ask('PUT', '/v1/organizations/acme/members/Eve', { key: ben });
    expect([invited.status, invited.json()]).toMatchObject(denied);
  });

  it('loses what a member may do when the member leaves', async () => {
    expect((await ask('DELETE', '/v1/organizations/acme/members/Ben', { key: ada })).status).toBe(204);
    expect((await call('Acme/Shared/0.1.0', { body: 1, key: ben })).status).toBe(404);
    const last = await ask('DELETE', '/v1/organizations/acme/members/Ada', { key: ada });
    expect(last.json()).toMatchObject({ error: { code: 3102 } });
  });
});

describe('an algorithm from its creation to its end', () => {
  const path = '/v1/algorithms/Ada/Life';
  const asAda = async (method: string, sub = '', options: AskOptions = {}): Promise<WireAnswer> =>
    await ask(method, `${path}${sub}`, { key: ada, ...options });

  it('is created private, once', async () => {
    const body = {
      name: 'Life',
      details: { label: 'Life', summary: 'S', tagline: 'T' },
      settings: {
        algorithm_environment: 'python3',
        source_visibility: 'closed',
        license: 'apl',
        network_access: 'isolated',
        pipeline_enabled: true,
      },
    };
    const made = await ask('POST', '/v1/algorithms/Ada', { key: ada, body });
    expect([made.status, made.json()]).toEqual([
      201,
      {
        id: uuid,
        name: 'Life',
        details: { label: 'Life', summary: 'S', tagline: 'T' },
        settings: {
          algorithm_callability: 'private',
          source_visibility: 'closed',
          license: 'apl',
          network_access: 'isolated',
          pipeline_enabled: true,
          insights_enabled: false,
          package_set: 'python3',
          algorithm_environment: uuid,
        },
        source: { scm: { id: 'internal', provider: 'internal', default: true, enabled: true } },
        resource_type: 'algorithm',
      },
    ]);
    const again = await ask('POST', '/v1/algorithms/Ada', { key: ada, body });
    expect([again.status, again.json()]).toMatchObject([409, { error: { code: 1002 } }]);
  });

  it('refuses at once to compile what is not there', async () => {
    const empty = await asAda('POST', '/compile');
    expect([empty.status, empty.json()]).toMatchObject([400, { error: { code: 2015 } }]);
    const unknown = await asAda('POST', '/compile', { body: { commitSha: 'a'.repeat(40) } });
    expect(unknown.status).toBe(404);
    expect(unknown.text).toContain(`there is no commit ${'a'.repeat(40)}`);
    expect((await asAda('POST', '/compile', { body: { commitSha: 'main' } })).status).toBe(400);
  });

  it('is compiled into a build with a log', async () => {
    const hash = await sendSource('Ada', 'Life', { key: ada });
    const compiled = await asAda('POST', '/compile');
    expect([compiled.status, compiled.json()]).toMatchObject([
      200,
      {
        version_info: { git_hash: hash },
        build: { build_id: hash, status: 'succeeded', commit_sha: hash, started_at: iso, finished_at: iso },
        compilation: {
          successful: true,
          output: expect.stringContaining('Beginning container customization') as string,
        },
      },
    ]);
    const builds = await asAda('GET', '/builds?limit=56');
    expect([builds.status, builds.json()]).toEqual([
      200,
      {
        marker: null,
        next_link: null,
        results: [
          {
            build_id: hash,
            status: 'succeeded',
            commit_sha: commit,
            started_at: iso,
            finished_at: iso,
            resource_type: 'algorithm_build',
          },
        ],
      },
    ]);
    expect((await asAda('GET', `/builds/${hash}`)).json()).toMatchObject({ build_id: hash, status: 'succeeded' });
    const logs = await asAda('GET', `/builds/${hash}/logs`);
    expect(logs.json()).toEqual({ logs: expect.stringContaining('build: succeeded') as string });
    const lock = await asAda('GET', `/builds/${hash}/lock`);
    expect(lock.json()).toMatchObject({ lockVersion: 1, system: null });
    expect((await asAda('GET', `/builds/${'b'.repeat(40)}`)).status).toBe(404);
    expect((await asAda('GET', `/builds/${'b'.repeat(40)}/lock`)).status).toBe(404);
  });

  it('is published once a build, under growing numbers', async () => {
    const body = {
      settings: { algorithm_callability: 'private' },
      version_info: { version_type: 'minor', release_notes: 'N' },
    };
    const first = await asAda('POST', '/versions', { body });
    expect([first.status, first.json()]).toMatchObject([
      200,
      { version_info: { semantic_version: '0.1.0', git_hash: commit, version_uuid: uuid, release_notes: 'N' } },
    ]);
    const again = await asAda('POST', '/version', { body });
    expect([again.status, again.json()]).toMatchObject([400, { error: { code: 1007 } }]);
    await sendSource('Ada', 'Life', { key: ada, text: `${code}# changed\n` });
    const next = await asAda('POST', '/version', { body: { version_info: { version_type: 'revision' } } });
    expect(next.json()).toMatchObject({ version_info: { semantic_version: '0.1.1' } });
  });

  it('lists its versions, the newest first, in pages', async () => {
    const page = (await asAda('GET', '/versions?limit=1')).json() as {
      marker: string;
      next_link: string;
      results: unknown[];
    };
    expect(page).toMatchObject({
      results: [{ version_info: { semantic_version: '0.1.1' }, resource_type: 'algorithm' }],
    });
    expect(page.next_link).toContain(encodeURIComponent(page.marker));
    const rest = await asAda('GET', `/versions?limit=1&marker=${encodeURIComponent(page.marker)}`);
    expect(rest.json()).toMatchObject({
      marker: null,
      next_link: null,
      results: [{ version_info: { semantic_version: '0.1.0' } }],
    });
    expect((await asAda('GET', '/versions?callable=true')).json()).toMatchObject({ results: [] });
    expect((await asAda('GET', '/versions?limit=0')).json()).toMatchObject({ error: { code: 5003 } });
    expect((await asAda('GET', '/versions?marker=nowhere')).json()).toMatchObject({ error: { code: 5002 } });
  });

  it('is deleted with its repository', async () => {
    const repository = join(platform.dataFolder, 'git', 'ada', 'life.git');
    expect(existsSync(repository)).toBe(true);
    expect(seen(await asAda('DELETE'))).toEqual([204, '']);
    expect(existsSync(repository)).toBe(false);
    expect(seen(await asAda('GET'))).toEqual(noSuchAlgorithm);
    expect((await call('Ada/Life/0.1.0', { body: 1, key: ada })).status).toBe(404);
  });
});

describe('keys', () => {
  it('stop working when they are revoked', async () => {
    const made = (await ask('POST', '/v1/users/Ada/keys', { key: ada, body: { key_label: 'short' } })).json();
    const { id, api_key: key } = made as { id: string; api_key: string };
    expect((await ask('GET', '/v1/caller', { key })).json()).toMatchObject({ username: 'ada', admin: false });
    const listed = await ask('GET', '/v1/users/Ada/keys', { key: ada });
    expect(listed.text).toContain(id);
    expect(listed.text).not.toContain(key);
    expect((await ask('DELETE', `/v1/users/Ada/keys/${id}`, { key: ada })).status).toBe(204);
    expect((await ask('GET', '/v1/caller', { key })).status).toBe(401);
  });

  it('give nobody more than who made them has', async () => {
    const body = { key_type: 'PlatformAdminKey' };
    expect((await ask('POST', '/v1/users/Ada/keys', { key: ada, body })).status).toBe(403);
    expect((await ask('POST', '/v1/users/Ben/keys', { key: ada, body: {} })).status).toBe(403);
  });
});

describe('users', () => {
  it('are shown, changed and deleted; names and addresses stay', async () => {
    const key = await people.user('Zoe');
    const changed = await ask('PUT', '/v1/users/Zoe', {
      key,
      body: { username: 'Zoe', fullname: 'Zoe Z.', company_name: 'Z' },
    });
    expect([changed.status, changed.json()]).toMatchObject([
      200,
      { fullname: 'Zoe Z.', company_name: 'Z', username: 'Zoe' },
    ]);
    const renamed = await ask('PUT', '/v1/users/Zoe', { key, body: { username: 'Zed' } });
    expect([renamed.status, renamed.json()]).toMatchObject([400, { error: { code: 3007 } }]);
    const moved = await ask('PUT', '/v1/users/Zoe', { key, body: { email: 'new@example.org' } });
    expect([moved.status, moved.json()]).toMatchObject([400, { error: { code: 3008 } }]);
    expect((await ask('PUT', '/v1/users/Zoe', { key: eve, body: { fullname: 'E' } })).status).toBe(403);
    expect((await ask('DELETE', '/v1/users/Zoe', { key })).status).toBe(403);
    expect(seen(await ask('DELETE', '/v1/users/Zoe'))).toEqual([204, '']);
    expect((await ask('GET', '/v1/users/Zoe')).json()).toMatchObject({ error: { code: 3000 } });
    expect((await ask('GET', '/v1/caller', { key })).status).toBe(401);
  });
});
