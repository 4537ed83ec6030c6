import { type Command, type Invocation, usageError } from '../command.ts';
import type { Terminal } from '../terminal.ts';

const help = `Usage: millrace request ID

Shows where a request is, the hops of a finished one with their times, and the tree of the calls that it made. Hops are
known for a day of calls that nobody waited for (--void, topics) and of calls with an Idempotency-Key; trees of every
request that called others, or was called by one.`;

interface Hop {
  readonly hop: string;
  readonly at: string;
  readonly after_ms: number | null;
}

interface RequestState {
  readonly request_id: string;
  readonly state: string;
  readonly hops?: readonly Hop[];
}

interface TreeCall {
  readonly request_id: string;
  readonly parent: string;
  readonly algorithm: string;
  readonly version: string | null;
  readonly build: string;
  readonly state: string;
  readonly took_ms: number | null;
}

interface CallTree {
  readonly session: string;
  readonly root: string;
  readonly left_out: number;
  readonly calls: readonly TreeCall[];
}

const nameOf = ({ algorithm, version, build }: TreeCall): string => `${algorithm}@${version ?? build.slice(0, 12)}`;

/** Rows of the calls below `parent`, each indented below the one that made it. */
const rowsBelow = (tree: CallTree, parent: string, depth: number): readonly (readonly string[])[] =>
  tree.calls
    .filter((call) => call.parent === parent)
    .flatMap((call) => [
      [
        `${'  '.repeat(depth)}${nameOf(call)}`,
        call.request_id,
        call.state,
        call.took_ms === null ? '' : `${call.took_ms.toFixed(1)} ms`,
      ],
      ...rowsBelow(tree, call.request_id, depth + 1),
    ]);

const showState = (terminal: Terminal, state: RequestState): void => {
  terminal.line(`${state.request_id}  ${state.state}`);
  const rows = (state.hops ?? []).map((hop) => [
    hop.hop,
    hop.at,
    hop.after_ms === null ? '' : `+${hop.after_ms.toFixed(1)} ms`,
  ]);
  if (rows.length > 0) terminal.table(['HOP', 'AT', 'AFTER'], rows);
};

const showTree = (terminal: Terminal, tree: CallTree): void => {
  const rows = [[tree.root, tree.session, '', ''], ...rowsBelow(tree, tree.session, 1)];
  terminal.table(['CALL', 'REQUEST', 'STATE', 'TOOK'], rows);
  if (tree.left_out > 0) terminal.line(`and ${tree.left_out} more calls that are not kept`);
};

const run = async ({ client, terminal, words }: Invocation): Promise<void> => {
  const [id] = words;
  if (id === undefined) throw usageError('request', 'ID is missing');
  const path = `/v1/requests/${encodeURIComponent(id)}`;
  const tree = (await client.find(`${path}/calls`)) as CallTree | null;
  // Without a tree, what is said of an unknown request is for the reader.
  const state = (tree === null ? await client.json('GET', path) : await client.find(path)) as RequestState | null;
  if (terminal.json) {
    terminal.value({ ...state, ...(tree === null ? {} : { tree }) });
    return;
  }
  if (state !== null) showState(terminal, state);
  if (tree !== null) showTree(terminal, tree);
};

export const requestCommand: Command = {
  name: 'request',
  summary: 'show the hops of a request with their times, and the calls that it made',
  help,
  options: {},
  run,
};
