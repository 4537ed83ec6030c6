import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Children, createChildren } from '../chaining/children.ts';
import type { Chaining } from '../chaining/forward.ts';
import { metricsBytesMax, metricsMax, parseInsights, type ReportedMetrics } from './insights-body.ts';
import { refuse, sendJson } from './respond.ts';

/** The platform as code in one sandbox reaches it: a unix socket that belongs to this sandbox alone. */
export interface Endpoint {
  /** Host path of the socket. */
  readonly path: string;
  /** A call begins: what code inside calls from now on, it calls for its caller. Null: it can call nothing. */
  begin(chaining: Chaining | null): void;
  /** The call is over: what it still waits for is cut. */
  end(): void;
  /** True once code of an earlier call asked for something: the sandbox is to run nothing more. */
  readonly leftover: boolean;
  /** Resolves when {@link leftover} becomes true, or never. */
  readonly leftoverHeard: Promise<void>;
  /** What the present run reported; the next run begins with nothing. */
  takeMetrics(): ReportedMetrics;
  /** Ends it and removes the socket. May be called twice; never rejects. */
  close(): Promise<void>;
}

const none: ReportedMetrics = {};
/** Nobody inside needs more; the sandbox's own limits bound the rest. */
const connectionsMax = 128;

class SandboxEndpoint implements Endpoint {
  readonly path: string;
  readonly leftoverHeard: Promise<void>;
  readonly #server: Server;
  readonly #children: Children;
  #metrics: ReportedMetrics = none;
  #bytes = 0;

  constructor(path: string) {
    this.path = path;
    const { promise, resolve } = Promise.withResolvers<null>();
    this.leftoverHeard = promise.then(() => {});
    this.#children = createChildren(() => resolve(null));
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => {
        // The connection broke: the sandbox is ending, or the algorithm gave up.
        response.destroy();
      });
    });
    this.#server.maxConnections = connectionsMax;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.path, resolve);
    });
    // Inside is another user.
    await chmod(this.path, 0o666);
  }

  get leftover(): boolean {
    return this.#children.leftover;
  }

  begin(chaining: Chaining | null): void {
    this.#children.begin(chaining);
  }

  end(): void {
    this.#children.end();
  }

  takeMetrics(): ReportedMetrics {
    const metrics = this.#metrics;
    if (metrics !== none) {
      this.#metrics = none;
      this.#bytes = 0;
    }
    return metrics;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.path, { force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0];
    if (request.method === 'POST' && path === '/v1/insights') {
      await this.#takeInsights(request, response);
      return;
    }
    if (request.method === 'POST' && path?.startsWith('/v1/algo/') === true) {
      await this.#children.take(request, response);
      return;
    }
    request.resume();
    const asked = `${request.method ?? ''} ${path ?? ''}`;
    refuse(response, 501, `${asked} is not served inside sandboxes: POST /v1/algo/… and POST /v1/insights are.`);
  }

  async #takeInsights(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request, metricsBytesMax - this.#bytes);
    if (text === null) {
      refuse(response, 413, `A run may report at most ${metricsBytesMax} bytes of metrics.`);
      return;
    }
    const parsed = parseInsights(text);
    if (parsed.kind === 'refused') {
      refuse(response, 400, parsed.message);
      return;
    }
    const metrics = { ...this.#metrics, ...parsed.metrics };
    if (Object.keys(metrics).length > metricsMax) {
      refuse(response, 400, `A run may report at most ${metricsMax} metrics.`);
      return;
    }
    this.#metrics = metrics;
    this.#bytes += text.length;
    sendJson(response, 200, { response: 'ok' });
  }
}

/** The body, or null when it is longer than allowed. */
const readText = async (request: IncomingMessage, bytesMax: number): Promise<string | null> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= bytesMax) chunks.push(chunk);
  }
  return sizeBytes > bytesMax ? null : Buffer.concat(chunks).toString('utf8');
};

/** Opens the endpoint of a sandbox at that path, at most 100 bytes long. Throws what listening fails with. */
export const openEndpoint = async (path: string): Promise<Endpoint> => {
  const endpoint = new SandboxEndpoint(path);
  await endpoint.listen();
  return endpoint;
};
