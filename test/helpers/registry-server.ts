import { once } from 'node:events';
import { createServer } from 'node:http';
import { type OwnRegistry, registryContentType } from '../../src/messaging/registry/own-registry.ts';

/** Serves the registry below `/registry` on a free port of 127.0.0.1. */
export const serveRegistry = async (registry: OwnRegistry): Promise<{ url: string; close: () => Promise<void> }> => {
  const server = createServer((request, response) => {
    const { status, body } = registry.get((request.url ?? '').replace(/^\/registry/, ''));
    response.writeHead(status, { 'content-type': registryContentType }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/registry`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
