import type { Accounts, Caller } from '../../accounts/accounts.ts';
import { type RunClaims, type RunTokens, runScheme } from '../../accounts/run-token.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { StateView } from '../../messaging/state-view.ts';
import { ingressErrors } from '../errors.ts';

/** What is known of a call because a running call made it. */
export interface NestedCall {
  /** The caller of the call that runs: whatever it calls, it calls for him and with the rights of his key. */
  readonly caller: Caller;
  /** Request id of the call that runs. */
  readonly parent: string;
  readonly session: string;
  /** The calls above, root first. */
  readonly chain: readonly string[];
  /** When the call that runs has to be over, milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** The process that runs it, and the partitions of nested calls that it owns. */
  readonly executor: string;
  readonly partitions: readonly number[];
}

export interface NestedCallsOptions {
  readonly tokens: RunTokens;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly view: Pick<StateView, 'barrier'>;
  readonly clock: Clock;
}

/** The door for calls that bear a run token instead of a key. */
export interface NestedCalls {
  /**
   * Throws `ACCOUNTS_RUN_TOKEN_INVALID`, `ACCOUNTS_RUN_TOKEN_EXPIRED`, `INGRESS_RUN_TOKEN_USED`, `INGRESS_KEY_UNKNOWN`
   * (the caller's key was revoked meanwhile), `INGRESS_CHAINING_OFF`, `INGRESS_CHAIN_TOO_DEEP`.
   */
  admit(authorization: string): Promise<NestedCall>;
}

/** True for the authorization of a running call. */
export const isRunToken = (authorization: string | undefined): authorization is string =>
  authorization?.startsWith(runScheme) === true;

/**
 * Remembers the tokens that were shown for at least as long as each is valid, in two generations. One replica's memory:
 * another one takes the same token once as well.
 */
const createUsedTokens = (clock: Clock): { use(id: string): boolean } => {
  let present = new Set<string>();
  let former = new Set<string>();
  let turnedMs = clock.monotonicMs();
  return {
    use: (id) => {
      const nowMs = clock.monotonicMs();
      if (nowMs - turnedMs >= limits.runTokenValidMs) {
        former = nowMs - turnedMs >= 2 * limits.runTokenValidMs ? new Set() : present;
        present = new Set();
        turnedMs = nowMs;
      }
      if (present.has(id) || former.has(id)) return false;
      present.add(id);
      return true;
    },
  };
};

const nameOf = (call: string): string => call.slice(0, call.lastIndexOf('@'));

/** The shortest circle at the end of the chain, for the reader; null: it goes straight. */
const circleIn = (chain: readonly string[]): string | null => {
  const last = chain.at(-1);
  const before = chain.lastIndexOf(last ?? '', -2);
  return last === undefined || before < 0 ? null : chain.slice(before).map(nameOf).join(' → ');
};

const checkDepth = ({ chain }: RunClaims): void => {
  if (chain.length <= limits.chainDepthMax) return;
  const circle = circleIn(chain);
  const why = circle === null ? chain.map(nameOf).join(' → ') : `it goes round in a circle: ${circle}`;
  throw ingressErrors.CHAIN_TOO_DEEP({
    message: `the chain of calls is ${limits.chainDepthMax} deep, the most that it may be; ${why}`,
  });
};

export const createNestedCalls = (options: NestedCallsOptions): NestedCalls => {
  const { tokens, accounts, catalog, view, clock } = options;
  const used = createUsedTokens(clock);

  const find = ({ account: name, keyId }: RunClaims): Caller | null => {
    const key = accounts.key(keyId);
    const account = accounts.account(name);
    if (key === null || account === null || key.revokedAtMs !== null || key.account !== account.name) return null;
    return { account, key };
  };
  /** A key that the view does not know yet may have been made through another replica. */
  const callerOf = async (claims: RunClaims): Promise<Caller> => {
    const known = find(claims);
    if (known !== null) return known;
    await view.barrier();
    const caller = find(claims);
    if (caller !== null) return caller;
    throw ingressErrors.KEY_UNKNOWN({ message: `the key that made call ${claims.request} was revoked` });
  };
  const checkAllowed = ({ algorithmId, version, chain }: RunClaims): void => {
    const algorithm = catalog.algorithmById(algorithmId);
    const published = catalog.versions(algorithmId).find(({ semantic }) => semantic === version);
    const settings = published?.settings ?? algorithm?.settings;
    if (settings?.pipelineEnabled === true) return;
    const name = algorithm === null ? nameOf(chain.at(-1) ?? '') : `${algorithm.owner}/${algorithm.label}`;
    throw ingressErrors.CHAINING_OFF({
      message: `${name} may not call other algorithms: its setting pipeline_enabled is off`,
    });
  };

  return {
    admit: async (authorization) => {
      const claims = tokens.read(authorization.slice(runScheme.length), clock.nowMs());
      if (!used.use(claims.id)) {
        throw ingressErrors.RUN_TOKEN_USED({ message: `this run token of ${claims.request} was used before` });
      }
      if (catalog.algorithmById(claims.algorithmId) === null) await view.barrier();
      checkAllowed(claims);
      checkDepth(claims);
      const { request: parent, session, chain, deadlineMs, executor, partitions } = claims;
      return { caller: await callerOf(claims), parent, session, chain, deadlineMs, executor, partitions };
    },
  };
};
