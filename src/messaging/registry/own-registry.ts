import type { Topic } from '../../kernel/topics.ts';
import { readSchemaFiles, type SchemaFile } from './schema-files.ts';
import { pinnedSchemaIds, type SchemaIds } from './schema-ids.ts';
import { compactSchema, labelOf, type Subject, subjectsOf } from './subjects.ts';

/** An answer of the registry API: status and JSON body, to be sent as `application/vnd.schemaregistry.v1+json`. */
export interface RegistryAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The media type of the registry API's answers. */
export const registryContentType = 'application/vnd.schemaregistry.v1+json';

/**
 * The read part of Confluent's registry API for Millrace's own contracts, so that the ecosystem's tools decode its
 * records without a registry to be run.
 */
export interface OwnRegistry {
  /** Answers a GET of that path (below the mount point, query allowed and ignored). Pure; never throws. */
  get(path: string): RegistryAnswer;
}

export interface OwnRegistryOptions {
  /** Topics to be described; those without a contract are left out. */
  readonly topics: readonly Topic[];
  /** Name of a topic on the broker. Default: its own name. */
  readonly fullName?: (topic: Topic) => string;
  readonly schemas?: readonly SchemaFile[];
  readonly ids?: SchemaIds;
}

const refusal = (status: number, code: number, message: string): RegistryAnswer => ({
  status,
  body: { error_code: code, message },
});

const ok = (body: unknown): RegistryAnswer => ({ status: 200, body });

/** Matches a path against the pattern; the groups are its decoded parameters. */
const paramsOf = (pattern: RegExp, path: string): readonly string[] | undefined => {
  try {
    return pattern.exec(path)?.slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
};

/** Builds the registry of this release's schemas. Reads the schema files once. */
export const createOwnRegistry = (options: OwnRegistryOptions): OwnRegistry => {
  const files = options.schemas ?? readSchemaFiles();
  const ids = options.ids ?? pinnedSchemaIds();
  const subjects = subjectsOf(options.topics, options.fullName ?? ((topic) => topic.name), files);
  const idOf = (file: SchemaFile): number | undefined => ids.get(labelOf(file));

  const withFile = (id: string, answer: (file: SchemaFile) => unknown): RegistryAnswer => {
    const file = files.find((each) => String(idOf(each)) === id);
    return file === undefined ? refusal(404, 40403, `Schema ${id} not found`) : ok(answer(file));
  };
  const usesOf = (file: SchemaFile) =>
    subjects
      .filter((subject) => subject.versions.includes(file))
      .map((subject) => ({ subject: subject.name, version: file.version }));
  const withSubject = (name: string, answer: (subject: Subject) => RegistryAnswer): RegistryAnswer => {
    const subject = subjects.find((each) => each.name === name);
    return subject === undefined ? refusal(404, 40401, `Subject '${name}' not found.`) : answer(subject);
  };
  const withVersion = (name: string, version: string, answer: (file: SchemaFile) => unknown): RegistryAnswer =>
    withSubject(name, (subject) => {
      if (!/^(latest|-1|[1-9]\d*)$/.test(version)) {
        return refusal(422, 42202, `The version '${version}' is neither a whole number above 0 nor "latest".`);
      }
      const newest = version === 'latest' || version === '-1';
      const file = newest ? subject.versions.at(-1) : subject.versions.find((each) => String(each.version) === version);
      return file === undefined ? refusal(404, 40402, `Version ${version} not found.`) : ok(answer(file));
    });

  const routes: readonly (readonly [RegExp, (...params: string[]) => RegistryAnswer])[] = [
    [/^\/?$/, () => ok({})],
    [/^\/schemas\/types$/, () => ok(['AVRO'])],
    [/^\/schemas\/ids\/([^/]+)$/, (id = '') => withFile(id, (file) => ({ schema: compactSchema(file) }))],
    [/^\/schemas\/ids\/([^/]+)\/versions$/, (id = '') => withFile(id, usesOf)],
    [/^\/config$/, () => ok({ compatibilityLevel: 'FULL_TRANSITIVE' })],
    [/^\/subjects$/, () => ok(subjects.map((subject) => subject.name))],
    [
      /^\/subjects\/([^/]+)\/versions$/,
      (name = '') => withSubject(name, (subject) => ok(subject.versions.map((file) => file.version))),
    ],
    [
      /^\/subjects\/([^/]+)\/versions\/([^/]+)$/,
      (name = '', version = '') =>
        withVersion(name, version, (file) => ({
          subject: name,
          version: file.version,
          id: idOf(file),
          schema: compactSchema(file),
        })),
    ],
  ];

  return {
    get: (path) => {
      const bare = path.replace(/[?#].*$/s, '');
      for (const [pattern, answer] of routes) {
        const params = paramsOf(pattern, bare);
        if (params !== undefined) return answer(...params);
      }
      return refusal(404, 404, 'HTTP 404 Not Found');
    },
  };
};
