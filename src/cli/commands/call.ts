import { type Answer, bodyOptions, chooseBody, printAnswer } from '../call-body.ts';
import { type Command, parseReference, textOption } from '../command.ts';

const help = `Usage: millrace call OWNER/ALGO[/VERSION] [--json JSON | --text TEXT | --file FILE | < FILE]

Calls an algorithm and prints its result. VERSION is a semantic version (1.2.0, 1.2, 1) or a build hash.

  --json JSON      send JSON
  --text TEXT      send text
  --file FILE      send the bytes of a file (.json as JSON, .txt as text, else binary)
  --timeout S      seconds to wait at most (default 300)
  --void           do not wait: prints the request id (see: millrace request ID)
  --output json    print the whole answer with its metadata
Without any of these the body is read from standard input (JSON when it parses, else text).`;

export const callCommand: Command = {
  name: 'call',
  summary: 'call an algorithm',
  help,
  options: { ...bodyOptions, void: { type: 'boolean' } },
  run: async (invocation) => {
    const { client, words, options } = invocation;
    const { owner, name, version } = parseReference('call', words[0]);
    const body = await chooseBody('call', invocation);
    const query = new URLSearchParams();
    const timeout = textOption(options, 'timeout');
    if (timeout !== undefined) query.set('timeout', timeout);
    if (options['void'] === true) query.set('output', 'void');
    const path = `/v1/algo/${[owner, name, ...(version === null ? [] : [version])].map(encodeURIComponent).join('/')}?${query.toString()}`;
    const response = await client.send('POST', path, body);
    const answer = (await response.json()) as Answer;
    printAnswer(invocation, answer, response.statusText);
  },
};
