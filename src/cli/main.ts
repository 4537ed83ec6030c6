import process from 'node:process';
import { parseArgs } from 'node:util';
import { CliError, exitCodes } from './cli-error.ts';
import { createApiClient } from './client.ts';
import { type Command } from './command.ts';
import { callCommand } from './commands/call.ts';
import { deadCommand } from './commands/dead.ts';
import { demoCommand } from './commands/demo.ts';
import { deployCommand } from './commands/deploy.ts';
import { lockCommand } from './commands/lock.ts';
import { logsCommand } from './commands/logs.ts';
import { newCommand } from './commands/new.ts';
import { requestCommand } from './commands/request.ts';
import { reserveCommand } from './commands/reserve.ts';
import { runCommand as runFolderCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { shellCommand } from './commands/shell.ts';
import { statusCommand } from './commands/status.ts';
import { testCommand } from './commands/test.ts';
import { topicsCommand } from './commands/topics.ts';
import { readEnvironment } from './environment.ts';
import { createTerminal, type Terminal } from './terminal.ts';

const commands: readonly Command[] = [
  newCommand,
  runFolderCommand,
  testCommand,
  serveCommand,
  shellCommand,
  deployCommand,
  callCommand,
  logsCommand,
  lockCommand,
  statusCommand,
  requestCommand,
  reserveCommand,
  topicsCommand,
  deadCommand,
  demoCommand,
];

const overview = (): string =>
  [
    'Usage: millrace COMMAND [OPTIONS]',
    '',
    '  up         start the platform on this machine',
    ...commands.map((command) => `  ${command.name.padEnd(10)} ${command.summary}`),
    '',
    'Every command has --help, and --json for machines.',
    'The address is MILLRACE_API (default http://127.0.0.1:8080), the key MILLRACE_API_KEY (default: the local admin key).',
    'Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 the platform does not answer.',
  ].join('\n');

const globalOptions = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const;

const runCommand = async (command: Command, words: string[]): Promise<void> => {
  // `call --json TEXT` carries its body under the name that elsewhere asks for machine output.
  const options = { ...globalOptions, ...command.options };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: words, options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError(`${message}\nSee: millrace ${command.name} --help`, exitCodes.usage);
  }
  const environment = readEnvironment();
  const terminal = createTerminal({
    json: parsed.values['json'] === true || parsed.values['output'] === 'json',
    stdout: process.stdout,
    stderr: process.stderr,
    colour: environment.colour,
  });
  if (parsed.values['help'] === true) {
    terminal.line(command.help);
    return;
  }
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  const client = createApiClient({ address: environment.address, key: environment.key });
  await command.run({ client, terminal, words: parsed.positionals, options: parsed.values, signal: controller.signal });
};

const fail = (terminal: Terminal, error: unknown): void => {
  const message =
    error instanceof CliError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${terminal.red('error')}: ${message}\n`);
  process.exitCode = error instanceof CliError ? error.exitCode : exitCodes.failed;
};

const main = async (): Promise<void> => {
  const terminal = createTerminal({
    json: false,
    stdout: process.stdout,
    stderr: process.stderr,
    colour: readEnvironment().colour,
  });
  const [name, ...words] = process.argv.slice(2);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.line(overview());
    process.exitCode = name === undefined ? exitCodes.usage : exitCodes.done;
    return;
  }
  const command = commands.find((each) => each.name === name);
  try {
    if (command === undefined) throw new CliError(`there is no command "${name}"\n\n${overview()}`, exitCodes.usage);
    await runCommand(command, words);
  } catch (error) {
    fail(terminal, error);
  }
};

await main();
