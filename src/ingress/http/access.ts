import type { FastifyRequest } from 'fastify';
import type { Accounts, Caller } from '../../accounts/accounts.ts';
import type { Algorithm, Catalog } from '../../catalog/catalog.ts';
import type { StateView } from '../../messaging/state-view.ts';
import type { AuditTrail } from '../audit-trail.ts';
import { ingressErrors } from '../errors.ts';
import type { Authenticator } from './authenticate.ts';
import { notAuthorized } from './error-bodies.ts';

/** Who may do what in management calls. Denials are audited and never tell whether the thing exists. */
export interface Access {
  /**
   * Passes a barrier, so that what was written through another replica is seen, then authenticates. Throws
   * `INGRESS_UNAUTHENTICATED`, `INGRESS_KEY_UNKNOWN`, `MESSAGING_UNAVAILABLE`.
   */
  caller(request: Pick<FastifyRequest, 'headers'>): Promise<Caller>;
  /** As {@link caller}, and throws `INGRESS_FORBIDDEN` unless the key may administer the cluster. */
  admin(request: Pick<FastifyRequest, 'headers'>, action: string): Promise<Caller>;
  /** True when the caller may know of the algorithm: it is published to everybody, or the caller belongs to its owner. */
  sees(caller: Caller, algorithm: Algorithm): boolean;
  /** The algorithm if the caller may see it. Throws `INGRESS_ALGORITHM_UNKNOWN`. */
  visible(caller: Caller, path: AlgorithmPath): Algorithm;
  /** The algorithm if the caller may manage it. Throws `INGRESS_ALGORITHM_UNKNOWN`, `INGRESS_FORBIDDEN`. */
  managed(caller: Caller, path: AlgorithmPath, action: string): Algorithm;
  /** Throws `INGRESS_FORBIDDEN`, audited, unless `allowed`. */
  demand(caller: Caller, allowed: boolean, denied: { readonly action: string; readonly target: string }): void;
}

/** How a path names an algorithm. */
export interface AlgorithmPath {
  readonly owner: string;
  readonly algo: string;
}

/** Owner under which the router sees the UUID forms; no account can have this name. */
export const byIdOwner = '~id';

export interface AccessOptions {
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly view: StateView;
  readonly authenticator: Authenticator;
  readonly audit: AuditTrail;
}

export const createAccess = (options: AccessOptions): Access => {
  const { accounts, catalog, view, authenticator, audit } = options;

  const caller: Access['caller'] = async (request) => {
    await view.barrier();
    return await authenticator.authenticate(request.headers.authorization);
  };
  const demand: Access['demand'] = (who, allowed, denied) => {
    if (allowed) return;
    audit.denied(who, denied.action, denied.target, notAuthorized);
    throw ingressErrors.FORBIDDEN({ message: notAuthorized });
  };
  const sees = (who: Caller, algorithm: Algorithm): boolean =>
    who.key.permissions.admin ||
    accounts.belongsTo(who.account.name, algorithm.owner) ||
    catalog.versions(algorithm.id).some((version) => version.callability === 'public');

  const visible: Access['visible'] = (who, { owner, algo }) => {
    const algorithm = owner === byIdOwner ? catalog.algorithmById(algo) : catalog.algorithm(owner, algo);
    if (algorithm !== null && sees(who, algorithm)) return algorithm;
    throw ingressErrors.ALGORITHM_UNKNOWN({ message: 'No such algorithm' });
  };
  return {
    caller,
    admin: async (request, action) => {
      const who = await caller(request);
      demand(who, who.key.permissions.admin, { action, target: 'cluster' });
      return who;
    },
    sees,
    visible,
    managed: (who, path, action) => {
      const algorithm = visible(who, path);
      const target = `${algorithm.owner}/${algorithm.name}`;
      demand(who, accounts.mayManage(who, algorithm.owner), { action, target });
      return algorithm;
    },
    demand,
  };
};
