import type { Accounts } from '../../accounts/accounts.ts';
import type { Catalog, Resolved } from '../../catalog/catalog.ts';
import { next, type Outcome, park } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import type { Addressed, Allowed } from '../router.ts';

export interface ResolveVersionDeps {
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  /** Makes sure that what was published before is known here. */
  readonly barrier: () => Promise<void>;
}

const referenceOf = ({ owner, name, selector }: Addressed['target']): string =>
  selector === null ? `${owner}/${name}` : `${owner}/${name}/${selector}`;

/** Finds what the record calls and checks that the key of its inbox may call it. */
export const resolveVersion = ({ accounts, catalog, barrier }: ResolveVersionDeps): Step<Addressed, Allowed> => ({
  name: 'resolve-version',
  run: (addressed) => {
    const { account, target } = addressed;
    const key = account.topics === null ? null : accounts.key(account.topics.keyId);
    if (key === null || key.revokedAtMs !== null) {
      return park(
        'the API key that the inbox is bound to does not exist any more: enable the topics again',
        'ROUTER_KEY_GONE',
      );
    }
    const query = { ...target, account: account.name };
    const permitted = (resolved: Resolved | null): Outcome<Allowed> => {
      // Not visible and not permitted look like not there: a denial reveals nothing.
      if (resolved === null || !accounts.mayCall(key.permissions, resolved.algorithm)) {
        return park(`ce_subject: algorithm algo://${referenceOf(target)} not found`, 'ROUTER_ALGORITHM_UNKNOWN');
      }
      return next({ ...addressed, resolved, keyId: key.id });
    };
    const resolved = catalog.resolve(query);
    return resolved === null ? barrier().then(() => permitted(catalog.resolve(query))) : permitted(resolved);
  },
});
