import type { Topic } from '../../kernel/topics.ts';
import type { SchemaFile } from './schema-files.ts';

/** A subject of the registry: by Confluent's topic name strategy, the topic's full name and `-value`. */
export interface Subject {
  readonly name: string;
  readonly versions: readonly SchemaFile[];
}

/** The subjects of those topics that carry a contract, by name. */
export const subjectsOf = (
  topics: readonly Topic[],
  fullName: (topic: Topic) => string,
  files: readonly SchemaFile[],
): readonly Subject[] =>
  topics
    .filter((topic) => topic.contract !== null)
    .map((topic) => ({
      name: `${fullName(topic)}-value`,
      versions: files.filter((file) => file.contract === topic.contract),
    }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));

/** A schema's text without white space, as registries hand it out. */
export const compactSchema = (file: SchemaFile): string => JSON.stringify(JSON.parse(file.text));

/** `request/1`: what the contract header and `schemas/ids.json` call that version. */
export const labelOf = (file: SchemaFile): string => `${file.contract}/${file.version}`;
