/**
 * An entry of an allow-list of hosts: `api.example.com`, which stands for its ports 80 and 443, or
 * `db.example.com:5432`. Names only: an address could be of a private network, and no certificate names it.
 */
export interface AllowedHost {
  /** Lower case. */
  readonly name: string;
  readonly ports: readonly number[];
}

/** What an entry looks like, for messages. */
export const allowedHostForm = 'a host name like api.example.com or db.example.com:5432';

const webPorts = [80, 443];
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
// The last label has a letter, which no address has there.
const entry = new RegExp(`^((?:${label}\\.)+(?=[a-z0-9-]*[a-z])${label})(?::([1-9]\\d{0,4}))?$`);

/** Reads an entry, any case; null: it is none. Names of this machine (`localhost`) are none. */
export const parseAllowedHost = (text: string): AllowedHost | null => {
  const found = entry.exec(text.toLowerCase());
  const [, name, port] = found ?? [];
  if (name === undefined || name.length > 253 || name.endsWith('.localhost')) return null;
  if (port === undefined) return { name, ports: webPorts };
  return Number(port) > 65_535 ? null : { name, ports: [Number(port)] };
};
