import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { metricsBytesMax, metricsMax, parseInsights, type ReportedMetrics } from './insights-body.ts';

/** The platform as code in one sandbox reaches it: a unix socket that belongs to this sandbox alone. */
export interface Endpoint {
  /** Host path of the socket. */
  readonly path: string;
  /** What the present run reported; the next run begins with nothing. */
  takeMetrics(): ReportedMetrics;
  /** Ends it and removes the socket. May be called twice; never rejects. */
  close(): Promise<void>;
}

const none: ReportedMetrics = {};
/** Nobody inside needs more; the sandbox's own limits bound the rest. */
const connectionsMax = 64;

class SandboxEndpoint implements Endpoint {
  readonly path: string;
  readonly #server: Server;
  #metrics: ReportedMetrics = none;
  #bytes = 0;

  constructor(path: string) {
    this.path = path;
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
    request.resume();
    refuse(
      response,
      501,
      `${request.method ?? ''} ${path ?? ''} is not served inside sandboxes: only POST /v1/insights is.`,
    );
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
    send(response, 200, { response: 'ok' });
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

const send = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const refuse = (response: ServerResponse, status: number, message: string): void => {
  send(response, status, { error: { message } });
};

/** Opens the endpoint of a sandbox at that path, at most 100 bytes long. Throws what listening fails with. */
export const openEndpoint = async (path: string): Promise<Endpoint> => {
  const endpoint = new SandboxEndpoint(path);
  await endpoint.listen();
  return endpoint;
};
