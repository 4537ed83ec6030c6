import { Type } from 'typebox';
import {
  type Algorithm,
  algorithmKind,
  buildKind,
  type Environment,
  environmentKind,
  settingsSchema,
  versionKind,
} from '../../catalog/catalog.ts';
import { catalogErrors } from '../../catalog/errors.ts';
import { algorithmsByName, buildsOfAlgorithm, environmentsByUuid, versionsOfAlgorithm } from '../indexes.ts';
import { put, remove, type State } from '../state.ts';
import { type Actor, requireAccount, requireManagerOf } from './actor.ts';
import { commandSpec } from './decision.ts';
import { AccountReference, Uuid } from './fields.ts';
import { vendorCodes } from './vendor-codes.ts';

const Details = Type.Object({ label: Type.String(), summary: Type.String(), tagline: Type.String() });

const defaultSettings: Algorithm['settings'] = {
  callability: 'private',
  sourceVisibility: 'closed',
  license: 'apl',
  networkAccess: 'isolated',
  pipelineEnabled: true,
  insightsEnabled: false,
};

/** The algorithm of that id. */
export const requireAlgorithm = (state: State, id: string): Algorithm => {
  const algorithm = state.get(algorithmKind, id);
  if (algorithm !== undefined) return algorithm;
  throw catalogErrors.ALGORITHM_NOT_FOUND({
    message: `There is no algorithm ${id}.`,
    details: { vendorCode: vendorCodes.algorithmNotFound },
  });
};

/** The algorithm of that id, refused to who may not manage what its owner owns. */
export const requireManagedAlgorithm = (state: State, actor: Actor, id: string): Algorithm => {
  const algorithm = requireAlgorithm(state, id);
  requireManagerOf(actor, requireAccount(state, algorithm.owner));
  return algorithm;
};

/** The environment of that id or UUID. */
export const requireEnvironment = (state: State, idOrUuid: string): Environment => {
  const environment = state.get(environmentKind, idOrUuid) ?? state.find(environmentsByUuid, idOrUuid)[0];
  if (environment !== undefined) return environment;
  throw catalogErrors.ENVIRONMENT_NOT_FOUND({
    message: `There is no environment ${idOrUuid}; the list is at /v1/algorithm-environments.`,
    details: { vendorCode: vendorCodes.languageUnknown },
  });
};

const create = commandSpec({
  name: 'algorithm.create',
  body: Type.Object({
    id: Uuid,
    owner: AccountReference,
    /** As the owner spells it: it names the source file. */
    name: Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9_]{0,63}$' }),
    details: Type.Optional(Type.Partial(Details)),
    environment: Type.String(),
    settings: Type.Optional(Type.Partial(settingsSchema)),
  }),
  target: ({ owner, name }) => `algorithm/${owner.toLowerCase()}/${name.toLowerCase()}`,
  decide: ({ state, actor, body, nowMs }) => {
    const owner = requireAccount(state, body.owner);
    requireManagerOf(actor, owner);
    const name = body.name.toLowerCase();
    if (
      state.find(algorithmsByName, `${owner.name}/${name}`).length > 0 ||
      state.get(algorithmKind, body.id) !== undefined
    ) {
      throw catalogErrors.NAME_TAKEN({
        message: `${owner.label} has an algorithm ${body.name} already.`,
        details: { vendorCode: vendorCodes.algorithmNameTaken },
      });
    }
    const algorithm: Algorithm = {
      id: body.id,
      owner: owner.name,
      name,
      label: body.name,
      details: { label: body.name, summary: '', tagline: '', ...body.details },
      environment: requireEnvironment(state, body.environment).id,
      settings: { ...defaultSettings, ...body.settings },
      createdAtMs: nowMs,
    };
    return { changes: [put(algorithmKind, algorithm)], reply: algorithm, details: { id: algorithm.id } };
  },
});

const update = commandSpec({
  name: 'algorithm.update',
  body: Type.Object({
    id: Uuid,
    details: Type.Optional(Type.Partial(Details)),
    environment: Type.Optional(Type.String()),
    settings: Type.Optional(Type.Partial(settingsSchema)),
  }),
  target: ({ id }) => `algorithm/${id}`,
  decide: ({ state, actor, body }) => {
    const before = requireManagedAlgorithm(state, actor, body.id);
    const after: Algorithm = {
      ...before,
      details: { ...before.details, ...body.details },
      environment: body.environment === undefined ? before.environment : requireEnvironment(state, body.environment).id,
      settings: { ...before.settings, ...body.settings },
    };
    return { changes: [put(algorithmKind, after)], reply: after };
  },
});

const isAdmin = (actor: Actor): boolean => actor.kind === 'role' || actor.key.permissions.admin;

const destroy = commandSpec({
  name: 'algorithm.delete',
  body: Type.Object({ id: Uuid }),
  target: ({ id }) => `algorithm/${id}`,
  decide: ({ state, actor, body }) => {
    const algorithm = requireManagedAlgorithm(state, actor, body.id);
    const versions = state.find(versionsOfAlgorithm, algorithm.id);
    if (versions.some(({ callability }) => callability === 'public') && !isAdmin(actor)) {
      throw catalogErrors.PUBLISHED_TO_ALL({
        message: 'The algorithm is published to everybody; only an administrator of the cluster deletes it.',
        details: { vendorCode: vendorCodes.invalidRequest },
      });
    }
    const builds = state.find(buildsOfAlgorithm, algorithm.id);
    const changes = [
      ...versions.map((version) => remove(versionKind, versionKind.idOf(version))),
      ...builds.map((build) => remove(buildKind, buildKind.idOf(build))),
      remove(algorithmKind, algorithm.id),
    ];
    return { changes, reply: null, details: { algorithm: `${algorithm.owner}/${algorithm.name}` } };
  },
});

export const algorithmCommands = [create, update, destroy] as const;
