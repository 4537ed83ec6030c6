import type { Clock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import type { AcceptedRequest } from './accept-call.ts';
import type { CallOutcome } from './call-metrics.ts';

/** A call that a running call made. */
export interface TreeCall {
  readonly id: string;
  readonly parent: string;
  /** OWNER/ALGO */
  readonly algorithm: string;
  readonly version: string | null;
  readonly build: string;
  readonly acceptedAtMs: number;
  state: 'running' | CallOutcome;
  /** Milliseconds from its acceptance to its answer; null while it runs. */
  tookMs: number | null;
}

/** The calls below one call from outside, in the order in which they came. */
export interface CallTree {
  readonly session: string;
  readonly account: string;
  /** OWNER/ALGO@VERSION of the root. */
  readonly root: string;
  readonly calls: readonly TreeCall[];
  /** Calls that came when the tree was full; they ran like others. */
  readonly leftOut: number;
}

/** The call trees of which nested calls came through this ingress: for a day, the newest ones. */
export interface CallTrees {
  /** A nested call is in. Calls from outside are passed over. */
  begin(call: AcceptedRequest): void;
  /** It ended for who made it. */
  end(call: AcceptedRequest, outcome: CallOutcome): void;
  /** The tree that a request is the root of, or a part of. */
  of(id: string): CallTree | null;
}

type Growing = Omit<CallTree, 'calls' | 'leftOut'> & { readonly calls: TreeCall[]; leftOut: number };

const treesMax = 5_000;
const callsPerTreeMax = 1_000;

export const createCallTrees = (clock: Clock): CallTrees => {
  const trees = new Map<string, Growing>();
  const sessions = new Map<string, string>();

  const forget = (tree: Growing): void => {
    trees.delete(tree.session);
    for (const { id } of tree.calls) sessions.delete(id);
  };
  const makeRoom = (): void => {
    const oldestMs = clock.nowMs() - limits.answersKeptMs;
    for (const tree of trees.values()) {
      if (trees.size <= treesMax && (tree.calls[0]?.acceptedAtMs ?? 0) >= oldestMs) break;
      forget(tree);
    }
  };
  const treeOf = ({ nested, caller }: AcceptedRequest): Growing | null => {
    if (nested === null) return null;
    const { session, chain } = nested;
    const tree = trees.get(session) ?? {
      session,
      account: caller.account.name,
      root: chain[0] ?? '',
      calls: [],
      leftOut: 0,
    };
    trees.set(session, tree);
    return tree;
  };

  return {
    begin: (call) => {
      const tree = treeOf(call);
      if (tree === null || call.nested === null) return;
      if (tree.calls.length >= callsPerTreeMax) {
        tree.leftOut += 1;
        return;
      }
      const { algorithm, build, version } = call.resolved;
      tree.calls.push({
        id: call.id,
        parent: call.nested.parent,
        algorithm: `${algorithm.owner}/${algorithm.label}`,
        version: version?.semantic ?? null,
        build: build.hash,
        acceptedAtMs: call.acceptedAtMs,
        state: 'running',
        tookMs: null,
      });
      sessions.set(call.id, tree.session);
      makeRoom();
    },
    end: (call, outcome) => {
      if (call.nested === null) return;
      const found = trees.get(call.nested.session)?.calls.find(({ id }) => id === call.id);
      if (found === undefined) return;
      found.state = outcome;
      found.tookMs = clock.monotonicMs() - call.startedMs;
    },
    of: (id) => trees.get(sessions.get(id) ?? id) ?? null,
  };
};
