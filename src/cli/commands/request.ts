import { type Command, usageError } from '../command.ts';

const help = `Usage: millrace request ID

Shows where a request is, and the hops of a finished one with their times. Known for a day: calls that nobody waited
for (--void, topics) and calls with an Idempotency-Key.`;

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

export const requestCommand: Command = {
  name: 'request',
  summary: 'show the hops of a request with their times',
  help,
  options: {},
  run: async ({ client, terminal, words }) => {
    const [id] = words;
    if (id === undefined) throw usageError('request', 'ID is missing');
    const state = (await client.json('GET', `/v1/requests/${encodeURIComponent(id)}`)) as RequestState;
    if (terminal.json) {
      terminal.value(state);
      return;
    }
    terminal.line(`${state.request_id}  ${state.state}`);
    const rows = (state.hops ?? []).map((hop) => [
      hop.hop,
      hop.at,
      hop.after_ms === null ? '' : `+${hop.after_ms.toFixed(1)} ms`,
    ]);
    if (rows.length > 0) terminal.table(['HOP', 'AT', 'AFTER'], rows);
  },
};
