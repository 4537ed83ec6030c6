import type { EntityKind, EntityOf } from '../kernel/entity.ts';
import type { StateView } from '../messaging/state-view.ts';
import { type Algorithm, algorithmKind, type Build, buildKind, type Version, versionKind } from './catalog.ts';
import { compareSemantic, parseSemantic, type Semantic } from './semantic.ts';

/** A version with its number taken apart. */
export interface NumberedVersion {
  readonly version: Version;
  readonly semantic: Semantic;
}

/** Algorithms by name and what belongs to each, kept sorted so that a call only looks up. */
export interface CatalogIndex {
  algorithm(owner: string, name: string): Algorithm | undefined;
  algorithmsOf(owner: string): readonly Algorithm[];
  /** Newest first. */
  builds(algorithmId: string): readonly Build[];
  /** Highest number first. */
  versions(algorithmId: string): readonly NumberedVersion[];
}

/** Members of a group, sorted. */
type Group<Member> = (group: string) => readonly Member[];

interface GroupOptions<Kind extends EntityKind, Member> {
  readonly kind: Kind;
  groupOf(entity: EntityOf<Kind>): string;
  memberOf(entity: EntityOf<Kind>): Member | null;
  compare(a: Member, b: Member): number;
}

/** Groups entities of a kind; a group is sorted when it is read after a change, so loading stays linear. */
const watchGroups = <Kind extends EntityKind, Member>(
  view: StateView,
  options: GroupOptions<Kind, Member>,
): Group<Member> => {
  const groups = new Map<string, Map<string, Member>>();
  const sorted = new Map<string, readonly Member[]>();
  const none: readonly Member[] = [];

  const remove = (id: string, entity: EntityOf<Kind>): void => {
    const group = options.groupOf(entity);
    groups.get(group)?.delete(id);
    if (groups.get(group)?.size === 0) groups.delete(group);
    sorted.delete(group);
  };
  const add = (id: string, entity: EntityOf<Kind>): void => {
    const member = options.memberOf(entity);
    if (member === null) return;
    const group = options.groupOf(entity);
    groups.set(group, (groups.get(group) ?? new Map<string, Member>()).set(id, member));
    sorted.delete(group);
  };
  view.watch(options.kind, ({ id, before, after }) => {
    if (before !== undefined) remove(id, before);
    if (after !== undefined) add(id, after);
  });
  return (group) => {
    const known = sorted.get(group);
    if (known !== undefined) return known;
    const members = groups.get(group);
    if (members === undefined) return none;
    const fresh = [...members.values()].sort((a, b) => options.compare(a, b));
    sorted.set(group, fresh);
    return fresh;
  };
};

/** Builds the indexes of the catalog over a view and keeps them. */
export const createCatalogIndex = (view: StateView): CatalogIndex => {
  const byName = new Map<string, Algorithm>();
  view.watch(algorithmKind, ({ before, after }) => {
    if (before !== undefined) byName.delete(`${before.owner}/${before.name}`);
    if (after !== undefined) byName.set(`${after.owner}/${after.name}`, after);
  });
  const algorithms = watchGroups(view, {
    kind: algorithmKind,
    groupOf: (algorithm) => algorithm.owner,
    memberOf: (algorithm) => algorithm,
    compare: (a, b) => (a.name < b.name ? -1 : 1),
  });
  const builds = watchGroups(view, {
    kind: buildKind,
    groupOf: (build) => build.algorithmId,
    memberOf: (build) => build,
    compare: (a, b) => b.startedAtMs - a.startedAtMs,
  });
  const versions = watchGroups(view, {
    kind: versionKind,
    groupOf: (version) => version.algorithmId,
    memberOf: (version): NumberedVersion | null => {
      const semantic = parseSemantic(version.semantic);
      return semantic === null ? null : { version, semantic };
    },
    compare: (a, b) => compareSemantic(b.semantic, a.semantic),
  });
  return {
    algorithm: (owner, name) => byName.get(`${owner}/${name}`),
    algorithmsOf: algorithms,
    builds,
    versions,
  };
};
