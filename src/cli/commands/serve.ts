import type { ServeNews } from '../../local/local.ts';
import { CliError } from '../cli-error.ts';
import { type Command, type Invocation, textOption, usageError } from '../command.ts';
import { createTell, readSource, withBuild } from '../local.ts';
import { isSource } from '../pack-folder.ts';
import type { Terminal } from '../terminal.ts';

const help = `Usage: millrace serve DIR [--port PORT] [--network]

Builds the folder as a deploy would and serves it on a port of this machine until Ctrl-C. When a file changes it is built
again and takes over; a folder that does not build or load leaves what was served before, and says why.

  POST /                               a call, with bodies and answers as on the platform
  POST /v1/algo/OWNER/ALGO[/VERSION]   the same, for clients: any owner, any version, any key

  --port PORT   default 8090; 0 takes any free one
  --network     let it reach other hosts, as an algorithm with network_access "full" may
Calls run one at a time, in one sandbox. output=void is refused: nothing keeps answers here.`;

const portOf = ({ options }: Invocation): number => {
  const text = textOption(options, 'port') ?? '8090';
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw usageError('serve', `--port is "${text}": give a number up to 65535`);
};

const tellNews = (terminal: Terminal, news: ServeNews): void => {
  if (news.kind === 'reloading') terminal.note('the folder changed');
  else if (news.kind === 'kept')
    terminal.note(`${terminal.red('not reloaded')}, the one before is still served: ${news.reason}`);
  else
    terminal.note(
      `${terminal.green('reloaded')} in ${news.seconds.toFixed(1)} s  (build ${news.build.hash.slice(0, 8)})`,
    );
};

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
};

export const serveCommand: Command = {
  name: 'serve',
  summary: 'serve a folder on a port of this machine, built again when a file changes',
  help,
  options: { port: { type: 'string' }, network: { type: 'boolean' } },
  run: async (invocation) => {
    const { terminal, options, signal } = invocation;
    const port = portOf(invocation);
    const network = options['network'] === true;
    // The signal is handled here: what came in is answered first.
    const calm = { ...invocation, signal: new AbortController().signal };
    await withBuild('serve', calm, async ({ local, build }) => {
      const opened = await local.open(build, { network });
      if (opened.kind === 'failed') throw new CliError(`${opened.error.errorType}: ${opened.error.message}`);
      const server = await local.serve({
        port,
        network,
        build,
        session: opened.session,
        isSource,
        readSource: async () => await readSource(build.source.folder),
        tell: createTell(terminal),
        onNews: (news) => tellNews(terminal, news),
      });
      if (terminal.json) terminal.value({ address: server.address, name: build.source.name });
      else {
        terminal.line(`serving ${build.source.name} at ${server.address}`);
        terminal.note(`  curl -H 'Content-Type: application/json' -d '"world"' ${server.address}/`);
      }
      await untilAborted(signal);
      await server.close();
    });
  },
};
