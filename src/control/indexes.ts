import { accountKind, keyKind } from '../accounts/accounts.ts';
import { algorithmKind, buildKind, environmentKind, versionKind } from '../catalog/catalog.ts';
import { reservationKind } from '../catalog/reservations.ts';
import { type StateIndex, stateIndex } from './state.ts';

/** The key of {@link organisations}. */
export const everyOrganisation = 'organisation';

/** Users by e-mail address, lower case. */
export const usersByEmail = stateIndex({
  name: 'users-by-email',
  kind: accountKind,
  keyOf: ({ type, email }) => (type === 'user' ? (email?.toLowerCase() ?? null) : null),
});
/** Organisations by the constant {@link everyOrganisation}. */
export const organisations = stateIndex({
  name: 'organisations',
  kind: accountKind,
  keyOf: ({ type }) => (type === 'organisation' ? everyOrganisation : null),
});
export const keysByHash = stateIndex({ name: 'keys-by-hash', kind: keyKind, keyOf: (key) => key.hash });
export const keysOfAccount = stateIndex({ name: 'keys-of-account', kind: keyKind, keyOf: (key) => key.account });
/** Algorithms by `owner/name`. */
export const algorithmsByName = stateIndex({
  name: 'algorithms-by-name',
  kind: algorithmKind,
  keyOf: ({ owner, name }) => `${owner}/${name}`,
});
export const algorithmsOfOwner = stateIndex({
  name: 'algorithms-of-owner',
  kind: algorithmKind,
  keyOf: ({ owner }) => owner,
});
export const buildsOfAlgorithm = stateIndex({
  name: 'builds-of-algorithm',
  kind: buildKind,
  keyOf: ({ algorithmId }) => algorithmId,
});
export const versionsOfAlgorithm = stateIndex({
  name: 'versions-of-algorithm',
  kind: versionKind,
  keyOf: ({ algorithmId }) => algorithmId,
});
export const environmentsByUuid = stateIndex({
  name: 'environments-by-uuid',
  kind: environmentKind,
  keyOf: ({ uuid }) => uuid,
});

/** Kinds of entities that the writer keeps. */
export const stateKinds = [
  accountKind,
  keyKind,
  algorithmKind,
  buildKind,
  versionKind,
  environmentKind,
  reservationKind,
] as const;

/** Indexes that decisions use. */
export const stateIndexes: readonly StateIndex[] = [
  usersByEmail,
  organisations,
  keysByHash,
  keysOfAccount,
  algorithmsByName,
  algorithmsOfOwner,
  buildsOfAlgorithm,
  versionsOfAlgorithm,
  environmentsByUuid,
];
