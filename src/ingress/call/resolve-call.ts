import type { Accounts, Caller } from '../../accounts/accounts.ts';
import type { Algorithm, Catalog, Resolved } from '../../catalog/catalog.ts';
import type { StateView } from '../../messaging/state-view.ts';
import { ingressErrors } from '../errors.ts';
import type { CallTarget } from './call-target.ts';

export interface CallResolverOptions {
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly view: StateView;
}

/** Finds what a call runs. */
export interface CallResolver {
  /**
   * Throws `INGRESS_ALGORITHM_UNKNOWN` when there is no such algorithm or version or the caller may not see it (the
   * two look alike) and `INGRESS_CALL_FORBIDDEN` when the key may not call what its account may see.
   */
  resolve(caller: Caller, target: CallTarget): Resolved | Promise<Resolved>;
}

/** True when the caller may read the algorithm's source, and so its stack traces. */
export const seesSource = (accounts: Accounts, caller: Caller, algorithm: Algorithm): boolean =>
  algorithm.settings.sourceVisibility === 'open' ||
  caller.key.permissions.admin ||
  accounts.belongsTo(caller.account.name, algorithm.owner);

export const algorithmUnknown = (reference: string) =>
  ingressErrors.ALGORITHM_UNKNOWN({ message: `algorithm algo://${reference} not found` });

/** What the view does not know may have been made through another replica: one barrier, then another look. */
export const createCallResolver = (options: CallResolverOptions): CallResolver => {
  const { accounts, catalog, view } = options;

  const find = (caller: Caller, target: CallTarget): Resolved | null => {
    const algorithm =
      target.algorithmId === null
        ? catalog.algorithm(target.owner, target.name)
        : catalog.algorithmById(target.algorithmId);
    if (algorithm === null) return null;
    const { owner, name } = algorithm;
    return catalog.resolve({ owner, name, selector: target.selector, account: caller.account.name });
  };
  const permitted = (caller: Caller, resolved: Resolved): Resolved => {
    if (accounts.mayCall(caller.key.permissions, resolved.algorithm)) return resolved;
    const message = `this API key may not call ${resolved.algorithm.owner}/${resolved.algorithm.label}`;
    throw ingressErrors.CALL_FORBIDDEN({ message });
  };
  const lookAgain = async (caller: Caller, target: CallTarget): Promise<Resolved> => {
    await view.barrier();
    const resolved = find(caller, target);
    if (resolved === null) throw algorithmUnknown(target.reference);
    return permitted(caller, resolved);
  };
  return {
    resolve: (caller, target) => {
      const resolved = find(caller, target);
      return resolved === null ? lookAgain(caller, target) : permitted(caller, resolved);
    },
  };
};
