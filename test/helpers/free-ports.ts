import { createServer } from 'node:net';

const listenOn = async (port: number): Promise<{ readonly port: number; close(): Promise<void> } | undefined> =>
  await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      const close = async (): Promise<void> => {
        await new Promise<void>((closed) => {
          server.close(() => {
            closed();
          });
        });
      };
      resolve({ port: bound, close });
    });
  });

/** A port on 127.0.0.1 that is free, and the next one too: what an embedded log needs. */
export const freePortPair = async (): Promise<number> => {
  for (;;) {
    const first = await listenOn(0);
    if (first === undefined) continue;
    const second = await listenOn(first.port + 1);
    await first.close();
    if (second === undefined) continue;
    await second.close();
    return first.port;
  }
};
