import type { Accounts } from '../accounts/accounts.ts';
import type { StateView } from '../messaging/state-view.ts';
import {
  type Algorithm,
  algorithmKind,
  buildKind,
  type Catalog,
  type Environment,
  environmentKind,
  type Version,
} from './catalog.ts';
import { parseSelector, type Selector } from './selector.ts';
import { type CatalogIndex, createCatalogIndex } from './view.ts';

/** The version that a selector names among those of an algorithm; `inside`: the caller belongs to the owner. */
const pickVersion = (
  index: CatalogIndex,
  algorithm: Algorithm,
  selector: Exclude<Selector, { kind: 'build' }>,
  inside: boolean,
): Version | undefined => {
  const versions = index.versions(algorithm.id);
  const newest = (accept: (each: (typeof versions)[number]) => boolean): Version | undefined =>
    versions.find(accept)?.version;
  switch (selector.kind) {
    case 'latest':
      // Who belongs to the owner and has published nothing to everybody yet still reaches his own newest version.
      return newest(({ version }) => version.callability === 'public') ?? (inside ? newest(() => true) : undefined);
    case 'latest-private':
      return inside ? newest(({ version }) => version.callability === 'private') : undefined;
    case 'exact':
      return newest(
        ({ version }) => version.semantic === selector.semantic && (inside || version.callability === 'public'),
      );
    case 'within':
      return newest(
        ({ version, semantic }) =>
          version.callability === 'public' &&
          semantic.major === selector.major &&
          (selector.minor === null || semantic.minor === selector.minor),
      );
  }
};

const sortedEnvironments = (view: StateView): readonly Environment[] =>
  [...view.all(environmentKind)].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Answers questions about algorithms from that view. The view must keep the kinds of `catalog.ts`. */
export const createCatalog = ({
  view,
  accounts,
}: {
  readonly view: StateView;
  readonly accounts: Accounts;
}): Catalog => {
  const index = createCatalogIndex(view);
  const algorithmOf = (owner: string, name: string) => index.algorithm(owner.toLowerCase(), name.toLowerCase());
  const buildOf = (algorithmId: string, hash: string) => view.get(buildKind, `${algorithmId}/${hash.toLowerCase()}`);

  return {
    algorithm: (owner, name) => algorithmOf(owner, name) ?? null,
    algorithmById: (id) => view.get(algorithmKind, id.toLowerCase()) ?? null,
    algorithmsOf: (owner) => index.algorithmsOf(owner.toLowerCase()),
    builds: (algorithmId) => index.builds(algorithmId),
    build: (algorithmId, hash) => buildOf(algorithmId, hash) ?? null,
    versions: (algorithmId) => index.versions(algorithmId).map(({ version }) => version),
    environment: (idOrUuid) =>
      view.get(environmentKind, idOrUuid) ?? sortedEnvironments(view).find(({ uuid }) => uuid === idOrUuid) ?? null,
    environments: () => sortedEnvironments(view),
    resolve: ({ owner, name, selector: text, account }) => {
      const algorithm = algorithmOf(owner, name);
      const selector = parseSelector(text);
      if (algorithm === undefined || selector === null) return null;
      const inside = accounts.belongsTo(account, algorithm.owner);
      const version = selector.kind === 'build' ? null : pickVersion(index, algorithm, selector, inside);
      const hash = selector.kind === 'build' ? (inside ? selector.hash : undefined) : version?.build;
      const build = hash === undefined ? undefined : buildOf(algorithm.id, hash);
      return build?.status === 'succeeded' ? { algorithm, build, version: version ?? null } : null;
    },
  };
};
