import avsc, { type Schema, type Type } from 'avsc';
import type { SchemaFile } from './schema-files.ts';

/** The Avro types of one contract: the newest, which is written, and how to read each version as the newest. */
export interface ContractType {
  readonly contract: string;
  readonly version: number;
  readonly type: Type;
  /** Reads bytes written as the newest version. Throws what avsc throws. */
  readonly readNewest: (bytes: Buffer) => unknown;
  /** Reads bytes written as that version; undefined for versions that this release does not know. */
  readonly reader: (version: number) => ((bytes: Buffer) => unknown) | undefined;
}

/** Parses one schema file. Throws with the file's name when it is not an Avro schema. */
export const avroTypeOf = (file: SchemaFile): Type => {
  try {
    return avsc.Type.forSchema(JSON.parse(file.text) as Schema, { omitRecordMethods: true });
  } catch (cause) {
    throw new Error(`${file.name} is not an Avro schema`, { cause });
  }
};

const contractType = (versions: readonly SchemaFile[], newest: SchemaFile): ContractType => {
  const type = avroTypeOf(newest);
  const readNewest = (bytes: Buffer): unknown => type.fromBuffer(bytes);
  const readers = new Map(
    versions.map((file) => {
      if (file.version === newest.version) return [file.version, readNewest];
      const written = avroTypeOf(file);
      const resolver = type.createResolver(written);
      return [file.version, (bytes: Buffer): unknown => type.fromBuffer(bytes, resolver)];
    }),
  );
  return {
    contract: newest.contract,
    version: newest.version,
    type,
    readNewest,
    reader: (version) => readers.get(version),
  };
};

/** Builds the types of all contracts, by contract. Throws when a file cannot be parsed or an older version not be read. */
export const contractTypesOf = (files: readonly SchemaFile[]): ReadonlyMap<string, ContractType> => {
  const byContract = Map.groupBy(files, (file) => file.contract);
  return new Map(
    [...byContract].flatMap(([contract, versions]) => {
      const newest = versions.at(-1);
      return newest === undefined ? [] : [[contract, contractType(versions, newest)] as const];
    }),
  );
};
