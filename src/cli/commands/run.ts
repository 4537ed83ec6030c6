import { type Answer, bodyOptions, chooseBody, printAnswer } from '../call-body.ts';
import { CliError } from '../cli-error.ts';
import { type Command, type Invocation, textOption, usageError } from '../command.ts';
import { withBuild } from '../local.ts';

const help = `Usage: millrace run DIR [--json JSON | --text TEXT | --file FILE | < FILE]

Builds the folder as a deploy would and calls it once, in the same sandbox and with the same limits, on this machine:
no platform has to run. Nothing is built again when no file changed. What the algorithm prints goes to standard error.

  --json JSON      send JSON
  --text TEXT      send text
  --file FILE      send the bytes of a file (.json as JSON, .txt as text, else binary)
  --timeout S      seconds that the call may take at most (default 300)
  --output json    print the whole answer with its metadata
  --network        let it reach other hosts, as an algorithm with network_access "full" may
Without any of these the body is read from standard input (JSON when it parses, else text).
Calls of other algorithms go to the platform at MILLRACE_API with the key MILLRACE_API_KEY; unset, they are refused.`;

const timeoutMaxS = 3000;

const timeoutMsOf = ({ options }: Invocation): number => {
  const text = textOption(options, 'timeout') ?? '300';
  const seconds = Number(text);
  if (seconds > 0 && seconds <= timeoutMaxS) return seconds * 1000;
  throw usageError('run', `--timeout is "${text}": give seconds, more than 0 and at most ${timeoutMaxS}`);
};

export const runCommand: Command = {
  name: 'run',
  summary: 'build a folder and call it once on this machine, without a platform',
  help,
  options: { ...bodyOptions, network: { type: 'boolean' } },
  run: async (invocation) => {
    const { terminal, options } = invocation;
    const timeoutMs = timeoutMsOf(invocation);
    if (invocation.words.length === 0) throw usageError('run', 'DIR is missing');
    const { contentType: declared, body: sent } = await chooseBody('run', invocation);
    const body = Buffer.from(sent);
    await withBuild('run', invocation, async ({ local, build }) => {
      const contentType = local.bodyType(declared, body);
      const opened = await local.open(build, { network: options['network'] === true });
      if (opened.kind === 'failed') throw new CliError(`${opened.error.errorType}: ${opened.error.message}`);
      const result = await opened.session.run({ contentType, body, timeoutMs });
      if (result.stdout !== null && result.stdout !== '') terminal.note(result.stdout.trimEnd());
      // `as`: the platform's own answer.
      printAnswer(invocation, JSON.parse(local.answer(result).toString('utf8')) as Answer, 'it failed');
    });
  },
};
