import { type Command, type Invocation, usageError } from '../command.ts';

const help = `Usage: millrace dead list
       millrace dead show PARTITION/OFFSET
       millrace dead redrive PARTITION/OFFSET

Messages that could not be processed: why, in which step, how often they were tried. redrive publishes the original
record to its topic again.`;

interface DeadLetter {
  readonly partition: number;
  readonly offset: string;
  readonly reason: string;
  readonly step: string;
  readonly code: string;
  readonly attempt: number;
  readonly at: string;
  readonly topic: string;
}

const list = async ({ client, terminal }: Invocation): Promise<void> => {
  const page = (await client.json('GET', '/v1/dead?limit=100')) as { readonly results: readonly DeadLetter[] };
  if (terminal.json) terminal.value(page);
  else if (page.results.length === 0) terminal.line('no dead letters');
  else {
    const rows = page.results.map((each) => [
      `${each.partition}/${each.offset}`,
      each.at,
      each.topic,
      each.step,
      String(each.attempt),
      each.reason,
    ]);
    terminal.table(['ID', 'AT', 'TOPIC', 'STEP', 'TRIES', 'REASON'], rows);
  }
};

const place = (words: readonly string[]): string => {
  const [, id] = words;
  if (id === undefined || !/^\d+\/\d+$/.test(id))
    throw usageError('dead', 'expected PARTITION/OFFSET, as `millrace dead list` shows it');
  return id;
};

export const deadCommand: Command = {
  name: 'dead',
  summary: 'list, show and redrive dead letters',
  help,
  options: {},
  run: async (invocation) => {
    const { client, terminal, words } = invocation;
    if (words[0] === 'list') await list(invocation);
    else if (words[0] === 'show') {
      const letter = await client.json('GET', `/v1/dead/${place(words)}`);
      if (terminal.json) terminal.value(letter);
      else terminal.line(JSON.stringify(letter, null, 2));
    } else if (words[0] === 'redrive') {
      const answer = await client.json('POST', `/v1/dead/${place(words)}/redrive`, {});
      if (terminal.json) terminal.value(answer);
      else terminal.line('published again');
    } else throw usageError('dead', 'expected list, show or redrive');
  },
};
