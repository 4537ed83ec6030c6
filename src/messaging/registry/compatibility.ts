import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Type } from 'avsc';
import { avroTypeOf } from './contract-types.ts';
import { type SchemaFile, schemasFolder } from './schema-files.ts';
import { compactSchema, labelOf } from './subjects.ts';

/** Fingerprints of the versions that were released, by `request/1`: those files are never edited again. */
export type ReleasedSchemas = Readonly<Record<string, string>>;

/** SHA-256 of a schema without white space; unlike Avro's canonical form it covers defaults and documentation too. */
export const fingerprintOf = (file: SchemaFile): string =>
  createHash('sha256').update(compactSchema(file)).digest('hex');

/** What `schemas/released.json` holds. */
export const readReleased = (folder: string = schemasFolder): ReleasedSchemas =>
  JSON.parse(readFileSync(join(folder, 'released.json'), 'utf8')) as ReleasedSchemas;

const whyUnreadable = (reader: Type, writer: Type): string | undefined => {
  try {
    reader.createResolver(writer);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const pairFaults = (older: SchemaFile, newer: SchemaFile): readonly string[] => {
  const [olderType, newerType] = [avroTypeOf(older), avroTypeOf(newer)];
  const backward = whyUnreadable(newerType, olderType);
  const forward = whyUnreadable(olderType, newerType);
  return [
    ...(backward === undefined ? [] : [`${newer.name} cannot read what ${older.name} wrote: ${backward}`]),
    ...(forward === undefined ? [] : [`${older.name} cannot read what ${newer.name} writes: ${forward}`]),
  ];
};

const contractFaults = (versions: readonly SchemaFile[]): readonly string[] => [
  ...versions
    .filter((file, index) => file.version !== index + 1)
    .map((file) => `${file.name} leaves a gap: versions are numbered from 1`),
  ...versions.flatMap((newer, index) => versions.slice(0, index).flatMap((older) => pairFaults(older, newer))),
];

const releaseFaults = (files: readonly SchemaFile[], released: ReleasedSchemas): readonly string[] =>
  Object.entries(released).flatMap(([label, fingerprint]) => {
    const file = files.find((each) => labelOf(each) === label);
    if (file === undefined) return [`${label} was released and is gone`];
    return fingerprintOf(file) === fingerprint
      ? []
      : [`${file.name} was released and has been edited: add a new version`];
  });

/**
 * What is wrong with the schemas, in sentences; nothing when every version of a contract reads every other (full
 * transitive: processes of two releases run side by side, and logs keep old records) and none that was released has
 * changed.
 */
export const schemaFaults = (files: readonly SchemaFile[], released: ReleasedSchemas): readonly string[] => [
  ...[...Map.groupBy(files, (file) => file.contract).values()].flatMap(contractFaults),
  ...releaseFaults(files, released),
];
