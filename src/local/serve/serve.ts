import { createServer, type Server } from 'node:http';
import { createDirectDoor } from '../../ingress/direct-door.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import { listen } from '../../platform/http/listen.ts';
import type { LocalPlatform, LocalServer, LocalSession, ServeOptions } from '../local.ts';
import { watchFolder } from './watch-folder.ts';

export interface ServeDeps extends Pick<LocalPlatform, 'build' | 'open'> {
  readonly clock: Clock;
}

const host = '127.0.0.1';

/** What is served now: replaced when the folder changes to something else that builds and loads. */
class Serving {
  readonly #deps: ServeDeps;
  readonly #options: ServeOptions;
  #hash: string;
  #session: LocalSession;

  constructor(deps: ServeDeps, options: ServeOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#hash = options.build.hash;
    this.#session = options.session;
  }

  get session(): LocalSession {
    return this.#session;
  }

  /** Never rejects: what is wrong with the folder is news. */
  async reload(): Promise<void> {
    const { onNews } = this.#options;
    try {
      await this.#replace();
    } catch (error) {
      onNews({ kind: 'kept', reason: asPlatformError(error).message });
    }
  }

  async #replace(): Promise<void> {
    const { build, open, clock } = this.#deps;
    const { readSource, tell, onNews } = this.#options;
    const beganMs = clock.monotonicMs();
    let told = false;
    const begin = (): void => {
      if (!told) onNews({ kind: 'reloading' });
      told = true;
    };
    const built = await build(await readSource(), (stream, text) => {
      begin();
      tell(stream, text);
    });
    if (built.hash === this.#hash) return;
    begin();
    const end = await open(built, this.#options);
    if (end.kind === 'failed') {
      onNews({ kind: 'kept', reason: end.error.message });
      return;
    }
    const before = this.#session;
    this.#session = end.session;
    this.#hash = built.hash;
    onNews({ kind: 'reloaded', build: built, seconds: (clock.monotonicMs() - beganMs) / 1000 });
    await before.close();
  }
}

const closeServer = async (server: Server): Promise<void> => {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
};

/** Serves one algorithm on a port of this machine. Throws `HTTP_PORT_TAKEN`. */
export const serve = async (deps: ServeDeps, options: ServeOptions): Promise<LocalServer> => {
  const { clock } = deps;
  const { source } = options.build;
  const serving = new Serving(deps, options);
  const door = createDirectDoor({
    name: source.name,
    run: async (call) => await serving.session.run(call),
    nowMs: () => clock.monotonicMs(),
  });
  const server = createServer((request, response) => door.handle(request, response));
  const port = await listen(server, { host, port: options.port, variable: '--port' });
  const watching = await watchFolder({
    folder: source.folder,
    isSource: options.isSource,
    clock,
    onChange: async () => await serving.reload(),
  });
  return {
    address: `http://${host}:${port}`,
    close: async () => {
      watching.close();
      await closeServer(server);
      await serving.session.close();
    },
  };
};
