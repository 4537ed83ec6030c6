import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** Who listens on a port. */
export interface PortHolder {
  readonly pid: number;
  /** Name of its command. */
  readonly name: string;
}

const listening = '0A';

const socketInodes = (table: string, port: number): readonly string[] => {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync(table, 'utf8').split('\n').slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === listening && local?.endsWith(suffix) === true)
    .flatMap((columns) => columns[9] ?? []);
};

const holds = (pid: string, sockets: ReadonlySet<string>): boolean => {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // ended meanwhile, or another user's
  }
};

/** Finds who listens on `port`; undefined when nobody does, or when it is another user's process (or not Linux). */
export const portHolder = (port: number): PortHolder | undefined => {
  try {
    const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => socketInodes(table, port));
    const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
    if (sockets.size === 0) return undefined;
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holds(name, sockets));
    if (pid === undefined) return undefined;
    return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() };
  } catch {
    return undefined;
  }
};

/** True when a listener can be opened there now. */
export const isPortFree = async (port: number, host: string): Promise<boolean> =>
  await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });

/** For the middle of a sentence: `process 4242 (nginx)`, or `another process`. */
export const describeHolder = (holder: PortHolder | undefined): string =>
  holder === undefined ? 'another process' : `process ${holder.pid} (${holder.name})`;
