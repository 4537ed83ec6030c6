import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { accountOf } from '../../test/helpers/people.ts';
import { createTableView, type TableView } from '../../test/helpers/table-view.ts';
import { type Account, accountKind, keyKind } from '../accounts/accounts.ts';
import { createAccounts } from '../accounts/create.ts';
import { systemInterpreters } from '../sandboxes/interpreters.ts';
import {
  type Algorithm,
  algorithmKind,
  type Build,
  buildKind,
  type Catalog,
  environmentKind,
  type Version,
  versionKind,
} from './catalog.ts';
import { createCatalog } from './create.ts';
import { readEnvironments } from './environment-files.ts';

const settings: Algorithm['settings'] = {
  callability: 'private',
  sourceVisibility: 'closed',
  license: 'apl',
  networkAccess: 'isolated',
  pipelineEnabled: true,
  insightsEnabled: false,
};
const algorithm = (id: string, owner: string, label: string): Algorithm => ({
  id,
  owner,
  name: label.toLowerCase(),
  label,
  details: { label, summary: '', tagline: '' },
  environment: 'python3',
  settings,
  createdAtMs: 0,
});
const hashOf = (number: number): string => number.toString(16).padStart(40, '0');
const build = (number: number, some: Partial<Build> = {}): Build => ({
  algorithmId: 'a1',
  hash: hashOf(number),
  environment: 'python3',
  status: 'succeeded',
  requestedBy: 'acme',
  startedAtMs: number,
  finishedAtMs: number,
  artefact: null,
  run: null,
  tests: null,
  error: null,
  log: null,
  ...some,
});
const version = (semantic: string, number: number, callability: Version['callability']): Version => ({
  algorithmId: 'a1',
  semantic,
  uuid: semantic,
  build: hashOf(number),
  callability,
  settings,
  releaseNotes: null,
  sampleInput: null,
  publishedAtMs: 0,
  publishedBy: 'acme',
});
const account = (name: string, members: Account['members']): Account => accountOf(name, { members });

let view: TableView;
let catalog: Catalog;

/** Semantic version, or the last digit of the build that has none, or null. */
const resolved = (selector: string | null, caller: string): string | null => {
  const found = catalog.resolve({ owner: 'ACME', name: 'hElLo', selector, account: caller });
  return found === null ? null : (found.version?.semantic ?? `build ${found.build.hash.at(-1) ?? ''}`);
};

beforeEach(() => {
  view = createTableView([accountKind, keyKind, algorithmKind, buildKind, versionKind, environmentKind]);
  catalog = createCatalog({ view, accounts: createAccounts({ view }) });
  view.put(
    accountKind,
    account('acme', [{ account: 'ada', role: 'executor' }]),
    account('ada', []),
    account('eve', []),
  );
  view.put(algorithmKind, algorithm('a1', 'acme', 'Hello'), algorithm('a2', 'acme', 'Bye'));
  view.put(buildKind, ...[1, 2, 3, 4, 5, 6].map((number) => build(number)), build(7, { status: 'failed' }));
  view.put(
    versionKind,
    version('0.9.0', 5, 'public'),
    version('0.10.0', 1, 'public'),
    version('1.0.0', 2, 'public'),
    version('1.0.1', 3, 'public'),
    version('1.1.0', 4, 'private'),
  );
});

describe('selectors', () => {
  it.each([
    [null, '1.0.1', '1.0.1'],
    ['latest', '1.0.1', '1.0.1'],
    ['latestPublic', '1.0.1', '1.0.1'],
    ['latestPrivate', '1.1.0', null],
    ['1', '1.0.1', '1.0.1'],
    ['1.*', '1.0.1', '1.0.1'],
    ['0', '0.10.0', '0.10.0'],
    ['0.9', '0.9.0', '0.9.0'],
    ['1.0.*', '1.0.1', '1.0.1'],
    ['1.0.x', '1.0.1', '1.0.1'],
    ['1.1', null, null],
    ['1.1.0', '1.1.0', null],
    ['0.10.0', '0.10.0', '0.10.0'],
    ['2', null, null],
    ['banana', null, null],
    [hashOf(6), 'build 6', null],
    [hashOf(1), 'build 1', null],
    [hashOf(7), null, null],
    [hashOf(8), null, null],
  ])('%s is %s to a member and %s to a stranger', (selector, member, stranger) => {
    expect(resolved(selector, 'ada')).toBe(member);
    expect(resolved(selector, 'eve')).toBe(stranger);
    expect(resolved(selector, 'acme')).toBe(member);
  });

  it('without a public version name the newest private one, to who belongs to the owner', () => {
    for (const semantic of ['0.9.0', '0.10.0', '1.0.0', '1.0.1']) view.remove(versionKind, `a1/${semantic}`);
    expect([resolved(null, 'ada'), resolved(null, 'eve')]).toEqual(['1.1.0', null]);
  });
});

describe('the catalog', () => {
  it('lists builds and versions newest first and follows changes', () => {
    expect(catalog.versions('a1').map(({ semantic }) => semantic)).toEqual([
      '1.1.0',
      '1.0.1',
      '1.0.0',
      '0.10.0',
      '0.9.0',
    ]);
    view.put(buildKind, build(9));
    expect(catalog.builds('a1')[0]?.hash).toBe(hashOf(9));
    expect(catalog.algorithmsOf('Acme').map(({ name }) => name)).toEqual(['bye', 'hello']);
    view.remove(algorithmKind, 'a1');
    expect(catalog.algorithm('acme', 'hello')).toBeNull();
    expect(catalog.algorithmsOf('acme')).toHaveLength(1);
  });

  it('reads the environments that are declared', () => {
    const environments = readEnvironments(join(import.meta.dirname, '../../runtime/environments'), {
      find: (wanted) => (wanted.program === 'python3' ? systemInterpreters.find(wanted) : null),
    });
    view.put(environmentKind, ...environments);
    expect(catalog.environments().map(({ id, dependencyFile }) => [id, dependencyFile])).toEqual([
      ['javascript', 'package.json'],
      ['python3', 'requirements.txt'],
    ]);
    for (const { id, uuid } of environments) expect(catalog.environment(uuid)?.id).toBe(id);
  });
});
