import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deadNames, type Headers } from '../../src/kernel/contracts/envelope.ts';
import { accountNameOf } from '../../src/kernel/ids.ts';
import { inboxTopic, requestsTopic, topics } from '../../src/kernel/topics.ts';
import { type CallOptions, type IngressPlatform, startIngressPlatform, until } from '../helpers/ingress-platform.ts';

const archiveOf = async (files: Record<string, string>): Promise<Buffer> => {
  const archive = pack();
  for (const [name, text] of Object.entries(files)) archive.entry({ name }, text);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
};

// Vitest types asymmetric matchers as any.
const containing = (text: string): unknown => expect.stringContaining(text);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

describe('management through the HTTP facade', () => {
  let platform: IngressPlatform;
  let ann: string;

  beforeAll(async () => {
    platform = await startIngressPlatform();
    ann = await platform.user('Ann', { allow_algo_management: true });
  });
  afterAll(async () => {
    await platform.close();
  });

  const ask = async (method: string, path: string, options: CallOptions = {}) => {
    const response = await platform.call(method, path, options);
    const text = await response.text();
    const json = (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : null) as Record<
      string,
      never
    > | null;
    return { status: response.status, statusText: response.statusText, text, json, headers: response.headers };
  };
  const create = { name: 'Hello', settings: { algorithm_environment: 'python3', source_visibility: 'closed' } };

  it('takes an algorithm from its source to a published version', async () => {
    const made = await ask('POST', '/v1/algorithms/ann', { key: ann, body: create });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      name: 'Hello',
      resource_type: 'algorithm',
      settings: { algorithm_callability: 'private', package_set: 'python3', license: 'apl' },
      source: { scm: { id: 'internal' } },
    });
    expect(made.json).not.toHaveProperty('build');

    const raw = await archiveOf({ 'src/Hello.py': 'print(1)' });
    const headers = { 'content-type': 'application/gzip' };
    const sent = await ask('PUT', '/v1/algorithms/ann/hello/source', { key: ann, raw, headers });
    const commit = String((sent.json as { commit?: string } | null)?.commit);
    expect([sent.status, commit]).toEqual([200, matching(/^[0-9a-f]{40}$/)]);

    const built = await ask('POST', '/v1/algorithms/ANN/hello/compile/', { key: ann, body: { commitSha: commit } });
    expect([built.status, built.json]).toMatchObject([
      200,
      {
        version_info: { git_hash: commit },
        build: { build_id: commit, status: 'succeeded' },
        compilation: { successful: true, output: containing('Beginning container customization') },
      },
    ]);
    expect((await ask('GET', `/v1/algorithms/ann/hello/builds/${commit}/logs`, { key: ann })).json).toEqual({
      logs: containing('all done'),
    });
    expect(
      (await ask('GET', `/v1/algorithms/ann/hello/builds/${commit}/logs?follow=true`, { key: ann })).text,
    ).toContain('all done');

    const published = await ask('POST', '/v1/algorithms/ann/hello/versions', {
      key: ann,
      body: { settings: { algorithm_callability: 'public' }, details: {}, version_info: {} },
    });
    expect([published.status, published.json]).toMatchObject([200, { version_info: { semantic_version: '0.1.0' } }]);
    const again = await ask('POST', '/v1/algorithms/ann/hello/version', { key: ann, body: {} });
    expect([again.status, again.json]).toMatchObject([400, { error: { code: 1007 } }]);
  });

  it('compiles the head of the repository when no commit is named', async () => {
    const built = await ask('POST', '/v1/algorithms/ann/hello/compile', { key: ann });
    expect(built.json).toMatchObject({
      version_info: { semantic_version: '0.1.0' },
      compilation: { successful: true },
    });
  });

  it('lists versions and builds, and shows each by the algorithm id too', async () => {
    const about = await ask('GET', '/v1/algorithms/ann/HELLO', { key: ann });
    const { id } = about.json as unknown as { id: string };
    for (const path of ['/v1/algorithms/ann/hello', `/v1/algorithms/${id}`]) {
      const versions = await ask('GET', `${path}/versions?published=True&callable=TRUE&limit=1`, { key: ann });
      expect([versions.status, versions.json]).toMatchObject([
        200,
        { marker: null, next_link: null, results: [{ id }] },
      ]);
      const builds = await ask('GET', `${path}/builds`, { key: ann });
      expect(builds.json).toMatchObject({
        results: [{ status: 'succeeded', version_info: { semantic_version: '0.1.0' } }],
      });
      const [{ commit_sha: hash }] = (builds.json as unknown as { results: [{ commit_sha: string }] }).results;
      expect((await ask('GET', `${path}/builds/${hash}`, { key: ann })).status).toBe(200);
      expect((await ask('GET', `${path}/versions/${hash}`, { key: ann })).json).toMatchObject({
        compilation: { output: containing('all done') },
      });
      expect((await ask('GET', `${path}/versions/${'0'.repeat(40)}`, { key: ann })).json).toMatchObject({
        error: { message: 'not found' },
      });
    }
    expect((await ask('GET', '/v1/algorithms/ann/hello/versions?callable=false', { key: ann })).json).toMatchObject({
      results: [],
    });
  });

  it('says "No such algorithm" in the form that clients compare', async () => {
    for (const path of ['ann/nothing', 'hello/errors', 'nobody/nothing', '00000000-0000-4000-8000-000000000000']) {
      const missing = await ask('GET', `/v1/algorithms/${path}`, { key: ann });
      expect([missing.status, missing.text]).toEqual([404, '{"error":"No such algorithm"}']);
    }
  });

  it('takes a form body without values as a change of nothing', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const raw = 'details=summary&details=label&settings=source_visibility';
    const same = await ask('PUT', '/v1/algorithms/ann/hello', { key: ann, raw, headers });
    expect([same.status, same.json]).toMatchObject([200, { name: 'Hello' }]);
    const body = { details: { summary: 'says hello' }, settings: { license: 'mit' } };
    expect((await ask('PUT', '/v1/algorithms/ann/hello', { key: ann, body })).json).toMatchObject({
      details: { label: 'Hello', summary: 'says hello' },
    });
  });

  it('refuses names that are taken, unknown environments, unsafe archives and broken JSON', async () => {
    expect((await ask('POST', '/v1/algorithms/ann', { key: ann, body: create })).json).toMatchObject({
      error: { code: 1002 },
    });
    const cobol = { name: 'x', settings: { language: 'cobol' } };
    expect((await ask('POST', '/v1/algorithms/ann', { key: ann, body: cobol })).json).toMatchObject({
      error: { code: 4001 },
    });
    const raw = await archiveOf({ '../outside.py': 'x' });
    const headers = { 'content-type': 'application/gzip' };
    expect((await ask('PUT', '/v1/algorithms/ann/hello/source', { key: ann, raw, headers })).status).toBe(400);
    expect((await ask('PUT', '/v1/algorithms/ann/hello/source', { key: ann, raw: 'no archive', headers })).status).toBe(
      400,
    );
    expect((await ask('PUT', '/v1/algorithms/ann/hello/source', { key: ann, body: {} })).status).toBe(415);
    const broken = await ask('POST', '/v1/algorithms/ann', {
      key: ann,
      raw: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect([broken.status, broken.json]).toMatchObject([400, { error: { code: 2013 } }]);
    const named = await ask('POST', '/v1/algorithms/ann', { key: ann, body: { ...create, name: '1x' } });
    expect([named.status, named.json]).toMatchObject([400, { error: { code: 2015 } }]);
  });

  it('hides private algorithms and forbids changing visible ones', async () => {
    await platform.publish('admin', 'Secret', { callability: 'private' });
    expect((await ask('GET', '/v1/algorithms/admin/secret', { key: ann })).text).toBe('{"error":"No such algorithm"}');
    expect((await ask('DELETE', '/v1/algorithms/admin/secret', { key: ann })).status).toBe(404);
    const bob = await platform.user('bob', { allow_algo_management: true });
    const forbidden = await ask('DELETE', '/v1/algorithms/ann/hello', { key: bob });
    expect([forbidden.status, forbidden.json]).toMatchObject([
      403,
      { error: { id: matching(/./), code: 2001, message: 'Caller is not authorized to perform the operation' } },
    ]);
    const standard = await platform.user('carl');
    expect((await ask('POST', '/v1/algorithms/carl', { key: standard, body: create })).status).toBe(403);
  });

  it('deletes with 204 No Content', async () => {
    await ask('POST', '/v1/algorithms/ann', { key: ann, body: { ...create, name: 'Gone' } });
    const deleted = await ask('DELETE', '/v1/algorithms/ann/Gone', { key: ann });
    expect([deleted.status, deleted.statusText, deleted.text]).toEqual([204, 'No Content', '']);
    expect((await ask('GET', '/v1/algorithms/ann/Gone', { key: ann })).status).toBe(404);
  });

  it('answers a repeated keyed change as the first', async () => {
    const headers = { 'idempotency-key': 'make-once' };
    const body = { ...create, name: 'Once' };
    const first = await ask('POST', '/v1/algorithms/ann', { key: ann, body, headers });
    const second = await ask('POST', '/v1/algorithms/ann', { key: ann, body, headers });
    expect([second.status, second.json]).toEqual([201, first.json]);
  });

  it('tells keys apart: none, unknown, known, revoked', async () => {
    expect((await ask('GET', '/v1/caller', { key: null })).status).toBe(401);
    expect((await ask('GET', '/v1/caller', { key: 'simNo' })).json).toMatchObject({ error: { code: 2002 } });
    expect((await ask('GET', '/v1/caller', { key: ann })).json).toMatchObject({ username: 'ann', admin: false });
    const made = await ask('POST', '/v1/users/ann/keys', {
      key: ann,
      body: { key_label: 'second', key_type: 'AlgorithmKey' },
    });
    const { api_key: key, id } = made.json as unknown as { api_key: string; id: string };
    expect(key).toMatch(/^sim[A-Za-z0-9]{30}$/);
    expect((await ask('GET', '/v1/users/ann/keys', { key: ann })).text).not.toContain(key);
    expect((await ask('GET', '/v1/caller', { key })).status).toBe(200);
    expect((await ask('DELETE', `/v1/users/ann/keys/${id}`, { key: ann })).status).toBe(204);
    expect((await ask('GET', '/v1/caller', { key })).status).toBe(401);
    const more = await ask('POST', '/v1/users/ann/keys', { key: ann, body: { key_type: 'PlatformAdminKey' } });
    expect(more.status).toBe(403);
  });

  it('shows users to administrators and to themselves, in pages', async () => {
    expect((await ask('GET', '/v1/users/ann', { key: ann })).json).toMatchObject({
      username: 'Ann',
      resource_type: 'user',
    });
    for (const name of ['admin', 'nobody'])
      expect((await ask('GET', `/v1/users/${name}`, { key: ann })).status).toBe(403);
    const first = await ask('GET', '/v1/users?limit=1');
    const { marker, next_link: next } = first.json as unknown as { marker: string; next_link: string };
    expect(next).toBe(`${platform.ingress.address}/v1/users?limit=1&marker=${marker}`);
    expect((await ask('GET', `/v1/users?limit=1&marker=${marker}`)).json).toMatchObject({
      results: [{ username: 'Ann' }],
    });
    expect((await ask('GET', '/v1/users?limit=0')).json).toMatchObject({ error: { code: 5003 } });
    expect((await ask('GET', '/v1/users?marker=x')).json).toMatchObject({ error: { code: 5002 } });
    const taken = await ask('POST', '/v1/users', { body: { username: 'ANN', email: 'x@example.org' } });
    expect(taken.json).toMatchObject({ error: { code: 3003 } });
  });

  it('keeps organisations with their members', async () => {
    const types = await ask('GET', '/v1/organization/types', { key: ann });
    const [{ id: type }] = types.json as unknown as [{ id: string }];
    const body = {
      org_name: 'Acme',
      org_label: 'Acme Inc',
      org_contact_name: 'A',
      org_email: 'a@acme.org',
      type_id: type,
    };
    expect((await ask('POST', '/v1/organizations', { key: ann, body })).json).toMatchObject({
      ...body,
      resource_type: 'organization',
    });
    expect((await ask('PUT', '/v1/organizations/acme', { key: ann, body: { org_label: 'ACME' } })).status).toBe(204);
    expect((await ask('GET', '/v1/organizations/ACME', { key: ann })).json).toMatchObject({
      org_label: 'ACME',
      org_email: 'a@acme.org',
    });
    expect((await ask('PUT', '/v1/organizations/acme/members/bob', { key: ann })).status).toBe(201);
    expect((await ask('PUT', '/v1/organizations/acme/members/bob', { key: ann })).status).toBe(200);
    expect((await ask('GET', '/v1/organizations/acme/members', { key: ann })).json).toMatchObject({
      results: [
        { username: 'ann', role: 'owner' },
        { username: 'bob', role: 'member' },
      ],
    });
    expect((await ask('DELETE', '/v1/organizations/acme/members/bob', { key: ann })).status).toBe(204);
    expect((await ask('DELETE', '/v1/organizations/acme/members/ann', { key: ann })).json).toMatchObject({
      error: { code: 3102 },
    });
    expect((await ask('DELETE', '/v1/organizations/acme', { key: ann })).status).toBe(204);
    expect((await ask('GET', '/v1/organizations/acme')).json).toMatchObject({ error: { code: 3100 } });
  });

  it('gives an account its topics with a broker user of its own', async () => {
    const given = await ask('POST', '/v1/accounts/ann/topics', { key: ann, body: {} });
    expect([given.status, given.json]).toMatchObject([
      200,
      {
        inbox: 'inbox.ann.v1',
        replies: 'replies.ann.v1',
        username: 'account.ann',
        group_prefix: 'ann.',
        mechanism: 'SCRAM-SHA-512',
      },
    ]);
    expect((await platform.messaging.admin.endOffsets(inboxTopic(accountNameOf('ann')), 'committed')).length).toBe(3);
    const standard = await platform.user('dora');
    expect((await ask('POST', '/v1/accounts/ann/topics', { key: standard, body: {} })).status).toBe(403);
  });

  it('lists, shows and redrives dead letters to administrators and their account', async () => {
    const text = (value: string): Buffer => Buffer.from(value);
    const headers: Headers = [
      ['ce_id', text('7')],
      [deadNames.reason, text('no algorithm is named')],
      [deadNames.step, text('read-envelope')],
      [deadNames.code, text('ROUTER_BAD')],
      [deadNames.attempt, text('2')],
      [deadNames.topic, text('inbox.ann.v1')],
      [deadNames.partition, text('0')],
      [deadNames.offset, text('4')],
      [deadNames.account, text('ann')],
    ];
    const appender = await platform.messaging.appender({ name: 'letters' });
    const place = await appender.append({ topic: topics.dead, key: text('k'), value: text('body'), headers });
    const path = `/v1/dead/${place.partition}/${place.offset.toString()}`;
    expect((await ask('GET', '/v1/dead?limit=100', { key: ann })).json).toMatchObject({
      results: [{ offset: place.offset.toString(), step: 'read-envelope', attempt: 2, topic: 'inbox.ann.v1' }],
    });
    expect((await ask('GET', path, { key: ann })).json).toMatchObject({
      key: 'k',
      headers: [{ name: 'ce_id', value: '7' }],
    });
    expect((await ask('GET', path, { key: await platform.user('fred', { allow_algo_management: true }) })).status).toBe(
      404,
    );
    const again = await ask('POST', `${path}/redrive`, { key: ann, body: {} });
    expect([again.status, again.json]).toMatchObject([200, { topic: 'inbox.ann.v1' }]);
    expect(
      (await platform.messaging.admin.endOffsets(inboxTopic(accountNameOf('ann')), 'committed')).some(
        (end) => end > 0n,
      ),
    ).toBe(true);
  });

  it('redrives a parked request as a new call whose answer can be read', async () => {
    await platform.publish('admin', 'Again');
    await platform.call('POST', '/v1/algo/admin/Again', { body: 5 });
    const parked = platform.requests.at(-1);
    if (parked === undefined) throw new Error('no request');
    const { record } = parked;
    const marks: Headers = [
      [deadNames.topic, Buffer.from(requestsTopic('cpu').name)],
      [deadNames.partition, Buffer.from(String(record.partition))],
      [deadNames.reason, Buffer.from('two executors died')],
    ];
    const appender = await platform.messaging.appender({ name: 'letters' });
    const { key, value, headers } = record;
    const place = await appender.append({ topic: topics.dead, key, value, headers: [...headers, ...marks] });
    const again = await ask('POST', `/v1/dead/${place.partition}/${place.offset.toString()}/redrive`);
    const { request_id: id } = again.json as unknown as { request_id: string };
    expect(id).not.toBe(parked.id);
    await until(async () => (await ask('GET', `/v1/requests/${id}`)).status === 200);
    expect((await ask('GET', `/v1/requests/${id}/result`)).text).toBe('5');
  });

  it('shows the log of an algorithm, to its managers', async () => {
    const log = await ask('GET', '/v1/logs?algorithm=ann/Hello&follow=false', { key: ann });
    expect([log.status, log.text]).toEqual([200, containing('platform  all done')]);
    expect((await ask('GET', '/v1/logs?algorithm=ann/Hello', { key: await platform.user('gina') })).status).toBe(403);
    expect((await ask('GET', '/v1/logs?algorithm=hello', { key: ann })).status).toBe(400);
  });

  it('follows the log of a build that is yet to be asked for', async () => {
    await ask('POST', '/v1/algorithms/ann', { key: ann, body: { ...create, name: 'Live' } });
    const raw = await archiveOf({ 'main.py': 'live' });
    const sent = await ask('PUT', '/v1/algorithms/ann/live/source', {
      key: ann,
      raw,
      headers: { 'content-type': 'application/gzip' },
    });
    const { commit } = sent.json as unknown as { commit: string };
    const live = await platform.call('GET', `/v1/algorithms/ann/live/builds/${commit}/logs?follow=true`, { key: ann });
    const text = live.text();
    await ask('POST', '/v1/algorithms/ann/live/compile', { key: ann, body: { commitSha: commit } });
    expect(await text).toContain('all done');
  });

  it('shows the state of the cluster to administrators only', async () => {
    const status = await ask('GET', '/v1/status');
    expect([status.status, status.json]).toMatchObject([
      200,
      {
        broker: { reachable: true },
        processes: [{ process: 'test/1/1' }],
        pools: [{ pool: 'cpu', executors: 1 }],
        mismatches: [],
      },
    ]);
    expect((await ask('GET', '/v1/status', { key: ann })).status).toBe(403);
  });

  it('serves the schemas of its own records', async () => {
    const subjects = await ask('GET', '/registry/subjects', { key: null });
    expect(subjects.json).toContain('results.v1-value');
    expect(subjects.headers.get('content-type')).toContain('application/vnd.schemaregistry.v1+json');
  });

  it('answers 404 in the management form to what it does not have', async () => {
    const nothing = await ask('GET', '/v1/nothing/here?x=1');
    expect([nothing.status, nothing.json]).toMatchObject([404, { error: { code: 6001 } }]);
  });
});
