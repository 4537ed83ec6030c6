import type { Topic } from '../../kernel/topics.ts';
import { messagingErrors } from '../errors.ts';
import { registryContentType } from './own-registry.ts';
import { readSchemaFiles, type SchemaFile } from './schema-files.ts';
import type { SchemaIds } from './schema-ids.ts';
import { compactSchema, labelOf, subjectsOf } from './subjects.ts';

export interface RegisterSchemasOptions {
  /** Base address of a Confluent-compatible registry. */
  readonly url: string;
  /** For basic authentication. */
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly topics: readonly Topic[];
  /** Name of a topic on the broker. */
  readonly fullName: (topic: Topic) => string;
  readonly schemas?: readonly SchemaFile[];
  /** For one request. Default 10,000. */
  readonly timeoutMs?: number;
}

interface RegistryRequest {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: unknown;
}

interface Client {
  send(request: RegistryRequest): Promise<{ readonly status: number; readonly body: unknown }>;
}

const createClient = ({ url, credentials, timeoutMs = 10_000 }: RegisterSchemasOptions): Client => {
  const address = url.replace(/\/+$/, '');
  const encoded = Buffer.from(`${credentials?.username ?? ''}:${credentials?.password ?? ''}`).toString('base64');
  const headers = {
    'content-type': registryContentType,
    accept: `${registryContentType}, application/json`,
    ...(credentials === undefined ? {} : { authorization: `Basic ${encoded}` }),
  };
  return {
    send: async ({ method, path, body }) => {
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const response = await fetch(address + path, { method, headers, body: JSON.stringify(body), signal });
        const text = await response.text();
        return { status: response.status, body: parsed(text) };
      } catch (cause) {
        const message = `The schema registry at ${address} does not answer: check MILLRACE_SCHEMA_REGISTRY_URL.`;
        throw messagingErrors.UNAVAILABLE({ message, cause });
      }
    },
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const idIn = (body: unknown): number | undefined =>
  typeof body === 'object' && body !== null && 'id' in body && typeof body.id === 'number' ? body.id : undefined;

const register = async (client: Client, subject: string, file: SchemaFile): Promise<number> => {
  const path = `/subjects/${encodeURIComponent(subject)}/versions`;
  const { status, body } = await client.send({ method: 'POST', path, body: { schema: compactSchema(file) } });
  const id = idIn(body);
  if (status < 300 && id !== undefined) return id;
  throw messagingErrors.SCHEMA_REFUSED({
    message: `The schema registry refused ${file.name} for subject ${subject} with status ${status}: compare what it holds there.`,
    details: { subject, status, answer: body },
  });
};

/**
 * Registers every version of the topics' contracts, oldest first, and returns the ids that the registry gave. May be
 * repeated: a registry answers a schema that it knows with its id. Compatibility is asked for where the registry lets
 * us. Throws `MESSAGING_UNAVAILABLE` and `MESSAGING_SCHEMA_REFUSED`.
 */
export const registerSchemas = async (options: RegisterSchemasOptions): Promise<SchemaIds> => {
  const client = createClient(options);
  const ids = new Map<string, number>();
  const files = options.schemas ?? readSchemaFiles();
  for (const { name, versions } of subjectsOf(options.topics, options.fullName, files)) {
    for (const file of versions) {
      const id = await register(client, name, file);
      if (!ids.has(labelOf(file))) ids.set(labelOf(file), id);
    }
    // Registries often lock this setting; our own check (compatibility.ts) holds without it.
    const path = `/config/${encodeURIComponent(name)}`;
    await client.send({ method: 'PUT', path, body: { compatibility: 'FULL_TRANSITIVE' } });
  }
  return ids;
};
