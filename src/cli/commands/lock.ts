import { writeFile } from 'node:fs/promises';
import { CliError } from '../cli-error.ts';
import { type Command, parseReference, textOption } from '../command.ts';

const help = `Usage: millrace lock OWNER/ALGO [BUILD] [--output FILE]

Prints what was resolved for a build: its pip or npm packages and its system packages, with versions and digests. BUILD
is the 40 hex digits of a commit; default: the newest build that succeeded. Kept as millrace.lock in the algorithm's
folder, the next deploy installs just that.

  --output FILE   write it there instead`;

interface BuildInList {
  readonly build_id: string;
  readonly status: string;
}

const isBuild = (value: unknown): value is BuildInList =>
  typeof value === 'object' && value !== null && 'build_id' in value && 'status' in value;

const buildsIn = (answer: unknown): readonly BuildInList[] =>
  typeof answer === 'object' && answer !== null && 'results' in answer && Array.isArray(answer.results)
    ? answer.results.filter(isBuild)
    : [];

export const lockCommand: Command = {
  name: 'lock',
  summary: "print what a build's dependencies were resolved to",
  help,
  options: { output: { type: 'string', short: 'o' } },
  run: async ({ client, terminal, words, options }) => {
    const { owner, name } = parseReference('lock', words[0]);
    const address = `/v1/algorithms/${owner}/${name}/builds`;
    const newest = async (): Promise<string> => {
      const built = buildsIn(await client.json('GET', address)).find(({ status }) => status === 'succeeded');
      if (built !== undefined) return built.build_id;
      throw new CliError(`No build of ${owner}/${name} has succeeded so far: millrace logs ${owner}/${name} says why.`);
    };
    const lock = await client.json('GET', `${address}/${words[1] ?? (await newest())}/lock`);
    const text = JSON.stringify(lock, null, 2);
    const file = textOption(options, 'output');
    if (file === undefined) terminal.line(text);
    else await writeFile(file, `${text}\n`);
  },
};
