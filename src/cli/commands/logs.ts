import { type Command, parseReference } from '../command.ts';

const help = `Usage: millrace logs OWNER/ALGO [--follow]

Prints what the algorithm's runs and builds wrote. With --follow it goes on until Ctrl-C.`;

export const logsCommand: Command = {
  name: 'logs',
  summary: "print an algorithm's log",
  help,
  options: { follow: { type: 'boolean', short: 'f' } },
  run: async ({ client, terminal, words, options, signal }) => {
    const { owner, name } = parseReference('logs', words[0]);
    const query = new URLSearchParams({ algorithm: `${owner}/${name}`, follow: String(options['follow'] === true) });
    try {
      for await (const line of client.lines(`/v1/logs?${query.toString()}`, signal)) terminal.line(line);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
