import type { Accounts } from '../../accounts/accounts.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { next, park } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import type { Addressed, Allowed } from '../router.ts';

export interface ResolveVersionDeps {
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  /** Makes sure that what was published before is known here. */
  readonly barrier: () => Promise<void>;
}

/** Finds what the record calls and checks that the key of its inbox may call it. */
export const resolveVersion = ({ accounts, catalog, barrier }: ResolveVersionDeps): Step<Addressed, Allowed> => ({
  name: 'resolve-version',
  run: async (addressed) => {
    const { account, target } = addressed;
    const key = account.topics === null ? null : accounts.key(account.topics.keyId);
    if (key === null || key.revokedAtMs !== null) {
      return park(
        'the API key that the inbox is bound to does not exist any more: enable the topics again',
        'ROUTER_KEY_GONE',
      );
    }
    const query = { ...target, account: account.name };
    let resolved = catalog.resolve(query);
    if (resolved === null) {
      await barrier();
      resolved = catalog.resolve(query);
    }
    const reference = [target.owner, target.name, ...(target.selector === null ? [] : [target.selector])].join('/');
    // Not visible and not permitted look like not there: a denial reveals nothing.
    if (resolved === null || !accounts.mayCall(key.permissions, resolved.algorithm)) {
      return park(`ce_subject: algorithm algo://${reference} not found`, 'ROUTER_ALGORITHM_UNKNOWN');
    }
    return next({ ...addressed, resolved, keyId: key.id });
  },
});
